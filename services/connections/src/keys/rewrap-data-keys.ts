import { EnvelopeError, type EnvelopeKey } from './envelope.ts'
import type { EnvelopeStore, StoredEnvelope } from './envelope-store.ts'
import type { Envelopes } from './envelopes.ts'

export interface RewrapDeps {
  readonly store: EnvelopeStore
  readonly envelopes: Envelopes
  /** Where there is something to do, told before any of it is done, and waited for. */
  readonly onBegin: (beginning: { readonly key: EnvelopeKey; readonly total: number }) => Promise<void>
  /** Told after each envelope. */
  readonly onProgress: (progress: RewrapProgress) => void
}

export interface RewrapProgress {
  /** Wrapped anew so far. */
  readonly rewrapped: number
  /** Left as they were so far, one entry each. */
  readonly failures: readonly RewrapFailure[]
  /** How many were not under the current key at the beginning. */
  readonly total: number
}

export interface RewrapFailure {
  readonly owner: StoredEnvelope['owner']
  readonly reason: EnvelopeError
}

/**
 * Wraps every data key anew that is not under the current key; no credential is decrypted for it. What cannot be unwrapped is left
 * as it is and told. Each envelope is replaced only if it still is as it was read, so that the service may go on meanwhile, and two of
 * these as well; one that was killed is simply started again. Goes over the database until a pass finds nothing left to do, as a
 * service that still has the old settings may have added some.
 * @throws EnvelopeError when the key service does not tell its current key, or is away for good; SluiceError `unavailable` when the
 * database is away
 */
export async function rewrapDataKeys({ store, envelopes, onBegin, onProgress }: RewrapDeps): Promise<RewrapProgress> {
  const key = await envelopes.wrappingKey()
  const total = await store.countOthers(key)
  if (total > 0) await onBegin({ key, total })
  const failures = new Map<string, RewrapFailure>()
  let rewrapped = 0
  let unavailableInARow = 0

  const rewrap = async (stored: StoredEnvelope): Promise<void> => {
    const id = JSON.stringify(stored.owner)
    if (failures.has(id)) return
    try {
      const envelope = await envelopes.rewrap(stored.envelope, stored.context)
      if ((await store.replace(stored, envelope)) === 'replaced') rewrapped += 1
      unavailableInARow = 0
    } catch (reason) {
      if (!(reason instanceof EnvelopeError)) throw reason
      unavailableInARow = reason.reason === 'key_unavailable' ? unavailableInARow + 1 : 0
      if (unavailableInARow >= MAX_UNAVAILABLE_IN_A_ROW) throw reason
      failures.set(id, { owner: stored.owner, reason })
    }
    onProgress({ rewrapped, failures: [...failures.values()], total })
  }

  let rewrappedBefore: number
  do {
    rewrappedBefore = rewrapped
    await forEachConcurrently(store.others(key), CONCURRENCY, rewrap)
  } while (rewrapped > rewrappedBefore)
  return { rewrapped, failures: [...failures.values()], total }
}

/** A key service answers in milliseconds: some at a time make the most of it, and stay far below what AWS throttles. */
const CONCURRENCY = 8
/** Then it is not about single envelopes any more. */
const MAX_UNAVAILABLE_IN_A_ROW = 2 * CONCURRENCY

/** Rejects with the first failure once nothing is under way any more. */
async function forEachConcurrently<T>(
  items: AsyncGenerator<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const worker = async (): Promise<void> => {
    for await (const item of items) await work(item)
  }
  const ended = await Promise.allSettled(Array.from({ length: concurrency }, worker))
  const failed = ended.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
