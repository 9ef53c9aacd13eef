import { apiKeysUsed } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import { type Logger, outageLog } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import type { ApiKeyStore } from './api-key-store.ts'

export interface LastUsedDeps {
  readonly apiKeys: Pick<ApiKeyStore, 'recordUses'>
  readonly now: () => Date
  readonly logger: Logger
}

/**
 * Records when API keys are used, from the response events that gateways publish. It subscribes to them outside their
 * stream: events that are published while the service is down are missed, which is acceptable for a hint.
 */
export function followKeyUse(bus: Bus, { apiKeys, now, logger }: LastUsedDeps): Served {
  const uses = createUnsavedUses()
  const outage = outageLog(logger, {
    begins: 'the last use of API keys cannot be stored, retrying',
    ends: 'the last use of API keys is stored again',
  })
  const save = async (): Promise<void> => {
    const due = uses.due(now().getTime())
    if (due.size === 0) return
    try {
      await apiKeys.recordUses(due)
      uses.saved(due, now().getTime())
      outage.success()
    } catch (error) {
      outage.fault(error) // The uses stay unsaved, and are tried again.
    }
  }
  const unsubscribe = subscribeEvent(
    bus,
    apiKeysUsed,
    ({ events }) => {
      for (const { apiKeyId, startedAtMs } of events) {
        // By a gateway's clock, which may be ahead.
        if (isUuid(apiKeyId)) uses.add(apiKeyId, Math.min(startedAtMs, now().getTime()))
      }
    },
    (subject) => logger.debug({ subject }, 'ignored a message that is not a batch of response events'),
  )
  let saving = Promise.resolve()
  const timer = setInterval(() => {
    saving = saving.then(save)
  }, SAVE_INTERVAL_MS)
  return {
    stop: async () => {
      unsubscribe()
      clearInterval(timer)
      await saving
      await save()
    },
  }
}

const SAVE_INTERVAL_MS = 2_000

/** Last uses by API key that are to be saved, at most once a minute per key. Times are Unix milliseconds. */
interface UnsavedUses {
  add(keyId: string, atMs: number): void
  /** Returns the last uses that are to be saved now, by key. */
  due(nowMs: number): ReadonlyMap<string, number>
  /** Marks what was due as saved. */
  saved(uses: ReadonlyMap<string, number>, nowMs: number): void
}

export function createUnsavedUses(): UnsavedUses {
  const unsaved = new Map<string, number>()
  const savedAtMs = new Map<string, number>()
  return {
    add: (keyId, atMs) => {
      unsaved.set(keyId, Math.max(atMs, unsaved.get(keyId) ?? atMs))
    },
    due: (nowMs) => {
      for (const [keyId, atMs] of savedAtMs) if (nowMs - atMs >= ONCE_PER_KEY_MS) savedAtMs.delete(keyId)
      return new Map([...unsaved].filter(([keyId]) => !savedAtMs.has(keyId)))
    },
    saved: (uses, nowMs) => {
      for (const [keyId, atMs] of uses) {
        savedAtMs.set(keyId, nowMs)
        // A use that was added meanwhile is still to be saved.
        if (unsaved.get(keyId) === atMs) unsaved.delete(keyId)
      }
    },
  }
}

const ONCE_PER_KEY_MS = 60_000
