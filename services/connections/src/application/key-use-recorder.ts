import { outageLog } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import { createUseTally } from '../domain/use-tally.ts'
import type { ApplicationDeps } from './deps.ts'

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
  const outage = outageLog(logger, {
    begins: 'the last use of API keys cannot be stored, retrying',
    ends: 'the last use of API keys is stored again',
  })
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
