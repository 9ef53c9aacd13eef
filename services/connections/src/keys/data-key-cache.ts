import { additionalData } from './envelope.ts'
import type { KeyService } from './key-service.ts'

export interface HeldDataKeysOptions {
  /** How long an unwrapped data key is held, in milliseconds. */
  readonly lifeMs: number
  /** How long a failure stands before the key service is asked again, in milliseconds. */
  readonly failureLifeMs: number
  /** The oldest is let go for a new one beyond this. */
  readonly maxEntries: number
}

/**
 * A key service whose unwrapped data keys are held for a short while, so that the many gateways that ask for one credential after a
 * rotation or a deployment cost one call. All who ask while it is being unwrapped wait for the same call; a failure is theirs
 * together too. Each gets a copy of its own; what is held is overwritten when its time is up.
 */
export function holdDataKeys(keyService: KeyService, options: HeldDataKeysOptions): KeyService {
  const held = new Map<string, Held>()

  const letGo = (id: string, entry: Held): void => {
    clearTimeout(entry.timer)
    if (held.get(id) === entry) held.delete(id)
    entry.isGone = true
    overwriteSoon(entry.dataKey)
  }

  const hold = (id: string, unwrapping: Promise<Uint8Array>): Held => {
    const entry: Held = { unwrapping, isGone: false }
    const expireIn = (ms: number): void => {
      if (!entry.isGone) entry.timer = setTimeout(letGo, ms, id, entry).unref()
    }
    held.set(id, entry)
    entry.unwrapping = unwrapping.then(
      (dataKey) => {
        entry.dataKey = dataKey
        if (entry.isGone) overwriteSoon(dataKey)
        expireIn(options.lifeMs)
        return dataKey
      },
      (error: unknown) => {
        expireIn(options.failureLifeMs)
        throw error
      },
    )
    const [oldest] = held
    if (held.size > options.maxEntries && oldest !== undefined) letGo(...oldest)
    return entry
  }

  return {
    ...keyService,
    unwrap: async (wrapped, context) => {
      // By everything that decides the answer: a row that was altered or wrapped anew is never answered with what was held before.
      const id = JSON.stringify([wrapped.keyId, wrapped.wrappedKey, additionalData(context)])
      const entry = held.get(id) ?? hold(id, keyService.unwrap(wrapped, context))
      return Uint8Array.from(await entry.unwrapping)
    },
  }
}

/** Once those who have been promised it have taken their copies. */
function overwriteSoon(dataKey: Uint8Array | undefined): void {
  if (dataKey !== undefined) setImmediate(() => dataKey.fill(0))
}

interface Held {
  unwrapping: Promise<Uint8Array>
  dataKey?: Uint8Array
  timer?: NodeJS.Timeout
  isGone: boolean
}
