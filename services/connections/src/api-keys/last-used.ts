import { apiKeysUsed } from '@sluice/contracts'
import { type Bus, type Served, subscribeEvent } from '@sluice/messaging'
import { type Logger, outageLog } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import type { ApplicationDeps } from '../deps.ts'

/** Which API keys were used and when, until it is written down: for one key at most once a minute. */
export interface UseTally {
  /** A key was used at `atMs`, Unix milliseconds. */
  note(keyId: string, atMs: number): void
  /** The last uses that are to be written now, by key. */
  due(nowMs: number): ReadonlyMap<string, number>
  /** What was due is written. */
  written(uses: ReadonlyMap<string, number>, nowMs: number): void
}

export function createUseTally(): UseTally {
  const unwritten = new Map<string, number>()
  const writtenAtMs = new Map<string, number>()
  return {
    note: (keyId, atMs) => {
      unwritten.set(keyId, Math.max(atMs, unwritten.get(keyId) ?? atMs))
    },
    due: (nowMs) => {
      for (const [keyId, atMs] of writtenAtMs) if (nowMs - atMs >= INTERVAL_MS) writtenAtMs.delete(keyId)
      return new Map([...unwritten].filter(([keyId]) => !writtenAtMs.has(keyId)))
    },
    written: (uses, nowMs) => {
      for (const [keyId, atMs] of uses) {
        writtenAtMs.set(keyId, nowMs)
        // A use that was noted meanwhile is still to be written.
        if (unwritten.get(keyId) === atMs) unwritten.delete(keyId)
      }
    },
  }
}

const INTERVAL_MS = 60_000

/** Learns when API keys are used, and writes it down, for one key at most once a minute. */
export interface KeyUseRecorder {
  /** @param atMs Unix milliseconds by a gateway's clock */
  note(apiKeyId: string, atMs: number): void
  /** Writes what is due. What cannot be written now is tried again the next time. */
  write(): Promise<void>
}

export function createKeyUseRecorder({
  apiKeys,
  now,
  logger,
}: Pick<ApplicationDeps, 'apiKeys' | 'now' | 'logger'>): KeyUseRecorder {
  const tally = createUseTally()
  const outage = outageLog(logger)
  return {
    note: (apiKeyId, atMs) => {
      if (isUuid(apiKeyId)) tally.note(apiKeyId, Math.min(atMs, now().getTime()))
    },
    write: async () => {
      const uses = tally.due(now().getTime())
      if (uses.size === 0) return
      try {
        await apiKeys.noteUses(uses)
        tally.written(uses, now().getTime())
        outage.success()
      } catch (error) {
        outage.fault(error)
      }
    },
  }
}

/**
 * Hears of each request that gateways report, for when an API key was used last. It listens as others do, past the stream: what is
 * published while nobody listens is missed, which a hint may miss.
 */
export function followKeyUse(bus: Bus, recorder: KeyUseRecorder, logger: Logger): Served {
  const unsubscribe = subscribeEvent(
    bus,
    apiKeysUsed,
    ({ events }) => {
      for (const { apiKeyId, startedAtMs } of events) recorder.note(apiKeyId, startedAtMs)
    },
    (subject) => logger.debug({ subject }, 'passed over what is no batch of response events'),
  )
  let writing = Promise.resolve()
  const timer = setInterval(() => {
    writing = writing.then(() => recorder.write())
  }, WRITE_INTERVAL_MS)
  return {
    stop: async () => {
      unsubscribe()
      clearInterval(timer)
      await writing
      await recorder.write()
    },
  }
}

const WRITE_INTERVAL_MS = 2_000
