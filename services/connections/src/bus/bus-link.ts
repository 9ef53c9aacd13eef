import { SluiceError } from '@sluice/contracts'
import { type Bus, type BusOptions, connectBus } from '@sluice/messaging'

/** A connection to a bus that may not be reachable yet. */
export interface BusLink {
  /** Resolves with the first connection. Rejects when the server refuses the credentials. */
  readonly first: Promise<Bus>
  /** @throws SluiceError `unavailable` while the bus is unreachable */
  connected(): Bus
  isConnected(): boolean
  close(): Promise<void>
}

/** Starts to connect, and keeps trying until it succeeds. */
export function linkBus(options: BusOptions): BusLink {
  let bus: Bus | undefined
  let isClosed = false
  const connect = async (): Promise<Bus> => {
    const connected = await connectBus(options)
    if (isClosed) await connected.close()
    bus = connected
    return connected
  }
  const first = connect()
  first.catch(() => undefined) // Whoever awaits it gets the rejection; until then it must not be unhandled.
  const isConnected = () => bus?.isConnected() ?? false
  return {
    first,
    isConnected,
    connected: () => {
      if (bus === undefined || !isConnected()) {
        throw new SluiceError('unavailable', 'The message bus is temporarily unreachable.')
      }
      return bus
    },
    close: async () => {
      isClosed = true
      // Draining would wait for a server that is unreachable.
      await (isConnected() ? bus?.close() : bus?.connection.close())
    },
  }
}
