import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import { type Actor, addressActor, type NewAuditEntry } from '../audit/audit-entry.ts'
import type { AuditLog } from '../audit/audit-log.ts'
import { addressKey } from './client-address.ts'

/** A refused attempt, for the audit log; never the token that was sent. */
export type RefusalDetails = Readonly<Record<string, string>>

/** Too many failed attempts from one address. */
export class RateLimitedError extends SluiceError {
  override readonly name = 'RateLimitedError'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1_000)
    super('rate_limited', `There were too many failed attempts from your address. Try again in ${seconds} s.`)
    this.retryAfterMs = retryAfterMs
  }
}

/** Limits failed authentication by address, and records refusals in the audit log. */
export interface AttemptGuard {
  /** @throws RateLimitedError while an address has failed too often, whatever token it sends now */
  requireAttempt(address: string): void
  /** An invalid token was sent. @throws RateLimitedError when that was one too many */
  failed(address: string, details: RefusalDetails): Promise<void>
  /** An invalid session was sent. It does not count as a failure: browsers send their cookies by themselves. */
  unknownSession(address: string, details: RefusalDetails): Promise<void>
  /** An authenticated operator was refused a request. */
  refused(actor: Actor, details: RefusalDetails): Promise<void>
}

export interface AttemptGuardDeps {
  readonly auditLog: Pick<AuditLog, 'record'>
  readonly now: () => Date
  readonly logger: Logger
}

/**
 * @param perMinute failures that each address has, and refusals of each actor that are recorded, so that the log
 * cannot be flooded
 */
export function createAttemptGuard({ auditLog, now, logger }: AttemptGuardDeps, perMinute: number): AttemptGuard {
  const failures = createAttemptLimiter(perMinute, MAX_KEYS)
  const records = createAttemptLimiter(perMinute, MAX_KEYS)

  const record = async (entry: NewAuditEntry): Promise<void> => {
    try {
      await auditLog.record(entry)
    } catch (error) {
      // The request is refused all the same.
      logger.error({ err: error, ...entry }, 'a refusal could not be recorded in the audit log')
    }
  }
  const recordLimited = async (key: string, entry: NewAuditEntry): Promise<void> => {
    if (records.take(key, now().getTime())) await record(entry)
    else logger.debug(entry, 'a refusal was not recorded: there were too many of this actor')
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

/** At most a few megabytes. */
const MAX_KEYS = 10_000

/** Limits attempts by key. */
interface AttemptLimiter {
  /** Returns how long until the key has an attempt left, in milliseconds; 0 if it has. */
  waitMs(key: string, nowMs: number): number
  /** Uses up an attempt, or returns false if none is left. */
  take(key: string, nowMs: number): boolean
}

/**
 * Gives each key a token bucket of `perMinute` attempts that refills evenly (a generic cell rate algorithm). Above
 * `maxKeys`, the key with the oldest attempt is dropped: clients with many addresses cannot exhaust the memory. Rate
 * limiters for Fastify count fixed windows of all requests, where a client would wait for up to a minute instead of
 * the next attempt.
 */
export function createAttemptLimiter(perMinute: number, maxKeys: number): AttemptLimiter {
  const intervalMs = 60_000 / perMinute
  const capacityMs = perMinute * intervalMs
  /** By key, when its bucket is full again; in the order of the last attempts. */
  const fullAtMs = new Map<string, number>()

  const nextFullAtMs = (key: string, nowMs: number): number => Math.max(fullAtMs.get(key) ?? nowMs, nowMs) + intervalMs
  const waitMs = (key: string, nowMs: number): number => Math.max(0, nextFullAtMs(key, nowMs) - capacityMs - nowMs)
  return {
    waitMs,
    take: (key, nowMs) => {
      if (waitMs(key, nowMs) > 0) return false
      const next = nextFullAtMs(key, nowMs)
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
