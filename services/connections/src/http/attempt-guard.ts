import { SluiceError } from '@sluice/contracts'
import { type Actor, addressActor, type NewAuditEntry } from '../audit/audit-entry.ts'
import type { ApplicationDeps } from '../deps.ts'
import { addressKey } from './client-address.ts'

/** Too many failed attempts; another one may be made in `retryAfterMs` milliseconds. */
export class RateLimitedError extends SluiceError {
  override readonly name = 'RateLimitedError'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1_000)
    super('rate_limited', `There were too many failed attempts from your address. Try again in ${seconds} s.`)
    this.retryAfterMs = retryAfterMs
  }
}

/** Counts attempts by key: so many at once, and as many again over a minute. */
export interface AttemptLimiter {
  /** How long until this key has an attempt left, in milliseconds; 0 where it has. */
  waitMs(key: string, nowMs: number): number
  /** Uses an attempt up. False where none is left. */
  take(key: string, nowMs: number): boolean
}

/**
 * A bucket for each key, full with `perMinute` attempts and refilled evenly. Of more than `maxKeys` keys, those that made no attempt for
 * longest are forgotten.
 */
export function createAttemptLimiter(perMinute: number, maxKeys: number): AttemptLimiter {
  const intervalMs = 60_000 / perMinute
  const capacityMs = perMinute * intervalMs
  /** By key, when its bucket is full again; those that took last are last. */
  const fullAtMs = new Map<string, number>()

  const waitMs = (key: string, nowMs: number): number => {
    const next = Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + intervalMs
    return Math.max(0, next - capacityMs - nowMs)
  }
  return {
    waitMs,
    take: (key, nowMs) => {
      if (waitMs(key, nowMs) > 0) return false
      const next = Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + intervalMs
      fullAtMs.delete(key)
      fullAtMs.set(key, next)
      for (const oldest of fullAtMs.keys()) {
        if (fullAtMs.size <= maxKeys) break
        fullAtMs.delete(oldest)
      }
      return true
    },
  }
}

/** What was refused, for the audit log: never what was sent. */
export type RefusalDetails = Readonly<Record<string, string>>

/** Stands before everything that asks who somebody is: limits failures by address, and has the audit log know of refusals. */
export interface AttemptGuard {
  /** @throws RateLimitedError while an address has failed too often, whatever it brings now */
  requireAttempt(address: string): void
  /** Somebody brought a token that is not good. @throws RateLimitedError where that was one too many */
  failed(address: string, details: RefusalDetails): Promise<void>
  /** Somebody brought a cookie that is not good. It counts no failure: a browser sends what it has. */
  unknownSession(address: string, details: RefusalDetails): Promise<void>
  /** Somebody who is known was refused what they asked for. */
  refused(actor: Actor, details: RefusalDetails): Promise<void>
}

type Deps = Pick<ApplicationDeps, 'auditLog' | 'now' | 'logger'>

/** @param failuresPerMinute of each address; as many refusals of each actor come into the audit log, so that nobody can flood it */
export function createAttemptGuard({ auditLog, now, logger }: Deps, failuresPerMinute: number): AttemptGuard {
  const failures = createAttemptLimiter(failuresPerMinute, MAX_KEYS)
  const rows = createAttemptLimiter(failuresPerMinute, MAX_KEYS)

  const record = async (entry: NewAuditEntry): Promise<void> => {
    try {
      await auditLog.record(entry)
    } catch (error) {
      // It is refused all the same.
      logger.error({ err: error, ...entry }, 'a refusal is not in the audit log')
    }
  }
  const recordLimited = async (key: string, entry: NewAuditEntry): Promise<void> => {
    if (rows.take(key, now().getTime())) await record(entry)
    else logger.debug(entry, 'refused, like others just now')
  }

  return {
    requireAttempt: (address) => {
      const waitMs = failures.waitMs(addressKey(address), now().getTime())
      if (waitMs > 0) throw new RateLimitedError(waitMs)
    },
    failed: async (address, details) => {
      const key = addressKey(address)
      const nowMs = now().getTime()
      if (!failures.take(key, nowMs)) throw new RateLimitedError(failures.waitMs(key, nowMs))
      await record({ actor: addressActor(address), action: 'login.refused', details })
    },
    unknownSession: (address, details) =>
      recordLimited(addressKey(address), { actor: addressActor(address), action: 'session.refused', details }),
    refused: (actor, details) =>
      recordLimited(actor.tokenId ?? actor.label, { actor, action: 'request.refused', details }),
  }
}

/** Some megabytes at most. */
const MAX_KEYS = 10_000
