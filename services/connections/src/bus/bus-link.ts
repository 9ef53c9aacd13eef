import { SluiceError } from '@sluice/contracts'
import { type Bus, type BusOptions, connectBus } from '@sluice/messaging'

/** The way to a bus that may not be there yet. */
export interface BusLink {
  /** The bus, once it was there for the first time. Rejects when the server refuses the credentials. */
  readonly first: Promise<Bus>
  /** @throws SluiceError `unavailable` while the bus is away */
  connected(): Bus
  isConnected(): boolean
  close(): Promise<void>
}

/** Begins to connect, and goes on until it succeeds. */
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
  first.catch(() => undefined) // Whoever awaits it is told; until then it is no unhandled rejection.
  const isConnected = () => bus?.isConnected() ?? false
  return {
    first,
    isConnected,
    connected: () => {
      if (bus === undefined || !isConnected()) {
        throw new SluiceError('unavailable', 'The message bus is not reachable at the moment.')
      }
      return bus
    },
    close: async () => {
      isClosed = true
      // Draining would wait for a server that is away.
      await (isConnected() ? bus?.close() : bus?.connection.close())
    },
  }
}
