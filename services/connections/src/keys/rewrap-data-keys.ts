import { EnvelopeError, type EnvelopeKey } from './envelope.ts'
import type { Envelopes } from './envelope-encryption.ts'
import type { EnvelopeStore, StoredEnvelope } from './envelope-store.ts'

export interface RewrapDeps {
  readonly store: EnvelopeStore
  readonly envelopes: Envelopes
  /** Awaited before the first change, if there is anything to do. */
  readonly onBegin: (beginning: { readonly key: EnvelopeKey; readonly total: number }) => Promise<void>
  /** Called after each envelope. */
  readonly onProgress: (progress: RewrapProgress) => void
}

export interface RewrapProgress {
  readonly rewrapped: number
  /** The envelopes that were left unchanged so far. */
  readonly failures: readonly RewrapFailure[]
  /** How many were not under the current key at the beginning. */
  readonly total: number
}

export interface RewrapFailure {
  readonly owner: StoredEnvelope['owner']
  readonly reason: EnvelopeError
}

/**
 * Rewraps every data key that is not under the current key; no credential is decrypted. Envelopes whose data key
 * cannot be unwrapped are left unchanged and reported. Each envelope is replaced by compare-and-set, so the service
 * and other runs may work meanwhile, and a run that was killed is simply started again. Repeats until a pass rewraps
 * nothing, as an instance with the old settings may add envelopes.
 * @throws EnvelopeError when the key service does not return its current key, or stays unavailable; SluiceError `unavailable` when the
 * database is unreachable
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

/** A key service responds within milliseconds; this stays far below AWS' throttling. */
const CONCURRENCY = 8
/** After this many the key service is down, not single envelopes broken. */
const MAX_UNAVAILABLE_IN_A_ROW = 2 * CONCURRENCY

/** Rejects with the first failure after all work in progress has ended. */
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
