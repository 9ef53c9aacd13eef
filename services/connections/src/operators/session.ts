import type { SessionView } from '@sluice/contracts'
import type { Operator, OperatorToken } from './operator.ts'

/** How long a session lasts at most, however often it is used. */
const SESSION_LIFETIME_MS = 12 * 3_600_000

/** An operator's session as it is stored: the hash of its cookie's value, never the value. */
export interface Session {
  readonly id: string
  /** SHA-256 of the cookie's value, lower-case hex. */
  readonly hash: string
  /** The operator token it was started with, which it does not outlive. */
  readonly tokenId: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

/**
 * Returns when a session that starts now ends: after {@link SESSION_LIFETIME_MS}, or with its token if that expires
 * first.
 */
export function sessionEnd({ expiresAt }: Pick<OperatorToken, 'expiresAt'>, now: Date): Date {
  const latest = new Date(now.getTime() + SESSION_LIFETIME_MS)
  return expiresAt !== undefined && expiresAt < latest ? expiresAt : latest
}

export function toSessionView({ tokenId, name, role, expiresAt }: Operator): SessionView {
  return { tokenId, name, role, ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }) }
}
