import type { ProjectedConnection } from '@sluice/contracts'
import { type Bucket, type Bus, UnreadableEntryError } from '@sluice/messaging'
import { pause } from '@sluice/service-kit'
import { UnknownRecordError } from '../record/codec.ts'

export interface EraseDeletedDeps {
  readonly bus: Pick<Bus, 'onReconnect'>
  readonly records: Pick<Bucket<unknown>, 'keys'>
  readonly connections: Pick<Bucket<ProjectedConnection>, 'get'>
  /** Whether the connection is known to be there, which spares asking the bucket. */
  readonly isThere: (connectionId: string) => boolean
  /** Whether nothing that the connection's record counts counts any more. */
  readonly isSpent: (connectionId: string) => Promise<boolean>
  readonly erase: (connectionId: string) => Promise<void>
  readonly onFault: (error: unknown) => void
}

export interface ErasingDeleted {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Erases the records of deleted connections once nothing in them counts any more: now, after each reconnect, and every hour. To erase a
 * record is to lose its charges, and a delete marker in the bucket of connections is no proof: it may be there for a moment that should
 * not, and is put right. A connection that is merely absent keeps its record: the projection may have been lost or not made yet.
 */
export function startErasingDeleted(parts: EraseDeletedDeps): ErasingDeleted {
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
  const sweepingAgain = setInterval(want, SWEEP_EVERY_MS)
  return {
    stop: async () => {
      clearInterval(sweepingAgain)
      forgetListener()
      stopping.abort()
      await sweeping
    },
  }
}

async function sweep(parts: EraseDeletedDeps, signal: AbortSignal): Promise<void> {
  for (const connectionId of await parts.records.keys()) {
    if (signal.aborted) return
    if (parts.isThere(connectionId)) continue
    try {
      if ((await isDeleted(parts, connectionId)) && (await parts.isSpent(connectionId))) await parts.erase(connectionId)
    } catch (error) {
      // It cannot be read, which no second look changes.
      if (!(error instanceof UnreadableEntryError || error instanceof UnknownRecordError)) throw error
      parts.onFault(error)
    }
  }
}

async function isDeleted({ connections }: EraseDeletedDeps, connectionId: string): Promise<boolean> {
  const { value, revision } = await connections.get(connectionId)
  return value === undefined && revision > 0
}

const AGAIN_MS = 10_000
const SWEEP_EVERY_MS = 3_600_000
