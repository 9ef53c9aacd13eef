/** Erases the records of deleted connections, once nothing in them counts any more. */
import type { ProjectedConnection } from '@sluice/contracts'
import { type Bucket, type Bus, UnreadableEntryError } from '@sluice/messaging'
import { pause } from '@sluice/service-kit'
import { UnknownRecordError } from '../record/codec.ts'

export interface EraseDeletedDeps {
  readonly bus: Pick<Bus, 'onReconnect'>
  readonly records: Pick<Bucket<unknown>, 'keys'>
  readonly connections: Pick<Bucket<ProjectedConnection>, 'get'>
  /** Returns true when the connection is known to exist, which saves a read of the bucket. */
  readonly exists: (connectionId: string) => boolean
  /** Returns true when nothing in the connection's record counts any more. */
  readonly isSpent: (connectionId: string) => Promise<boolean>
  readonly erase: (connectionId: string) => Promise<void>
  readonly onFault: (error: unknown) => void
}

export interface ErasingDeleted {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Sweeps the records now, after each reconnect and every hour. To erase a record is to lose its charges, and a delete
 * marker in the connections' bucket proves nothing by itself: it may be there by mistake for a moment. So a record
 * goes only once it is spent. A connection that is merely missing keeps its record: the projection may have been lost,
 * or not made yet.
 */
export function startErasingDeleted(deps: EraseDeletedDeps): ErasingDeleted {
  const stopping = new AbortController()
  const { signal } = stopping
  let isDue = false
  let sweeping: Promise<void> | undefined

  const sweepWhileDue = async (): Promise<void> => {
    while (isDue && !signal.aborted) {
      isDue = false
      try {
        await sweep(deps, signal)
      } catch (error) {
        if (signal.aborted) return
        deps.onFault(error)
        isDue = true
        await pause(RETRY_MS, signal)
      }
    }
  }
  const start = (): void => {
    isDue = true
    sweeping ??= sweepWhileDue().finally(() => {
      sweeping = undefined
    })
  }

  start()
  const removeListener = deps.bus.onReconnect(start)
  const timer = setInterval(start, SWEEP_EVERY_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      removeListener()
      stopping.abort()
      await sweeping
    },
  }
}

async function sweep(deps: EraseDeletedDeps, signal: AbortSignal): Promise<void> {
  for (const connectionId of await deps.records.keys()) {
    if (signal.aborted) return
    if (deps.exists(connectionId)) continue
    try {
      if ((await isDeleted(deps, connectionId)) && (await deps.isSpent(connectionId))) await deps.erase(connectionId)
    } catch (error) {
      // An entry that cannot be read now cannot be read on a retry either: go on with the others.
      if (!(error instanceof UnreadableEntryError || error instanceof UnknownRecordError)) throw error
      deps.onFault(error)
    }
  }
}

async function isDeleted({ connections }: EraseDeletedDeps, connectionId: string): Promise<boolean> {
  const { value, revision } = await connections.get(connectionId)
  return value === undefined && revision > 0
}

const RETRY_MS = 10_000
const SWEEP_EVERY_MS = 3_600_000
