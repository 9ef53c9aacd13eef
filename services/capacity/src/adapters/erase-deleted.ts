import { type ProjectedConnection, SluiceError } from '@sluice/contracts'
import type { Bucket, Bus } from '@sluice/messaging'
import { pause } from '@sluice/service-kit'

export interface EraseDeletedParts {
  readonly bus: Pick<Bus, 'onReconnect'>
  readonly records: Pick<Bucket<unknown>, 'keys'>
  readonly connections: Pick<Bucket<ProjectedConnection>, 'get'>
  /** Whether the connection is known to be there, which spares asking the bucket. */
  readonly isThere: (connectionId: string) => boolean
  readonly erase: (connectionId: string) => Promise<void>
  readonly onFault: (error: unknown) => void
}

export interface EraseDeleted {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Erases the records of connections that were deleted while no capacity instance saw it: now, and after each reconnect. Only a
 * delete marker in the bucket of connections counts. A connection that is merely absent keeps its record: the projection may have
 * been lost or not made yet, and to erase a record is to lose its charges.
 */
export function eraseDeleted(parts: EraseDeletedParts): EraseDeleted {
  const stopping = new AbortController()
  const { signal } = stopping
  let isWanted = false
  let sweeping: Promise<void> | undefined

  const sweepAsWanted = async (): Promise<void> => {
    while (isWanted && !signal.aborted) {
      isWanted = false
      try {
        await sweep(parts, signal)
      } catch (error) {
        if (signal.aborted) return
        parts.onFault(error)
        isWanted = true
        await pause(AGAIN_MS, signal)
      }
    }
  }
  const want = (): void => {
    isWanted = true
    sweeping ??= sweepAsWanted().finally(() => {
      sweeping = undefined
    })
  }

  want()
  const forgetListener = parts.bus.onReconnect(want)
  return {
    stop: async () => {
      forgetListener()
      stopping.abort()
      await sweeping
    },
  }
}

async function sweep(parts: EraseDeletedParts, signal: AbortSignal): Promise<void> {
  for (const connectionId of await parts.records.keys()) {
    if (signal.aborted) return
    if (!parts.isThere(connectionId) && (await isDeleted(parts, connectionId))) await parts.erase(connectionId)
  }
}

async function isDeleted({ connections, onFault }: EraseDeletedParts, connectionId: string): Promise<boolean> {
  try {
    const { value, revision } = await connections.get(connectionId)
    return value === undefined && revision > 0
  } catch (error) {
    // It is there and cannot be read, which no second look changes.
    if (!(error instanceof SluiceError) || error.code !== 'internal') throw error
    onFault(error)
    return false
  }
}

const AGAIN_MS = 10_000
