import { additionalData } from './envelope.ts'
import type { KeyService } from './key-service.ts'

export interface DataKeyCacheOptions {
  /** How long an unwrapped data key is kept, in milliseconds. */
  readonly ttlMs: number
  /** How long a failure is kept before the key service is called again, in milliseconds. */
  readonly failureTtlMs: number
  /** Above this, the oldest entry is evicted. */
  readonly maxEntries: number
}

/**
 * Wraps a key service so that unwrapped data keys are cached for a short time: when many gateways request one
 * credential after a rotation or a deployment, the key service is called once. Concurrent callers share the call and
 * its failure. Each caller gets its own copy; a cached key is overwritten when it expires.
 */
export function cacheDataKeys(keyService: KeyService, options: DataKeyCacheOptions): KeyService {
  const entries = new Map<string, Entry>()

  const evict = (id: string, entry: Entry): void => {
    clearTimeout(entry.timer)
    if (entries.get(id) === entry) entries.delete(id)
    entry.isEvicted = true
    overwriteSoon(entry.dataKey)
  }

  const add = (id: string, unwrapping: Promise<Uint8Array>): Entry => {
    const entry: Entry = { unwrapping, isEvicted: false }
    const expireIn = (ms: number): void => {
      if (!entry.isEvicted) entry.timer = setTimeout(evict, ms, id, entry).unref()
    }
    entries.set(id, entry)
    entry.unwrapping = unwrapping.then(
      (dataKey) => {
        entry.dataKey = dataKey
        if (entry.isEvicted) overwriteSoon(dataKey)
        expireIn(options.ttlMs)
        return dataKey
      },
      (error: unknown) => {
        expireIn(options.failureTtlMs)
        throw error
      },
    )
    const [oldest] = entries
    if (entries.size > options.maxEntries && oldest !== undefined) evict(...oldest)
    return entry
  }

  return {
    ...keyService,
    unwrap: async (wrapped, context) => {
      // The id has everything that decides the result, so a row that was altered or rewrapped misses the cache.
      const id = JSON.stringify([wrapped.keyId, wrapped.wrappedKey, additionalData(context)])
      const entry = entries.get(id) ?? add(id, keyService.unwrap(wrapped, context))
      return Uint8Array.from(await entry.unwrapping)
    },
  }
}

/** Overwrites the key after the callers that share its promise have made their copies. */
function overwriteSoon(dataKey: Uint8Array | undefined): void {
  if (dataKey !== undefined) setImmediate(() => dataKey.fill(0))
}

interface Entry {
  unwrapping: Promise<Uint8Array>
  dataKey?: Uint8Array
  timer?: NodeJS.Timeout
  isEvicted: boolean
}
