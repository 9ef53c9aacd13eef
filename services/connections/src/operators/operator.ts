import type { OperatorRole, OperatorTokenView, SessionView } from '@sluice/contracts'
import type { Actor } from '../audit/audit-entry.ts'

/** Who asks the admin API: by an operator token, or by a session that was begun with one. */
export interface Operator {
  readonly tokenId: string
  /** The token's name. */
  readonly name: string
  readonly role: OperatorRole
  /** Absent where the request brings the token itself. */
  readonly sessionId?: string
  /** When the session, or the token, ends; absent: it does not. */
  readonly expiresAt?: Date
}

export function operatorActor({ name, tokenId, sessionId }: Operator): Actor {
  return { label: `${sessionId === undefined ? 'operator' : 'session'}:${name}`, tokenId }
}

export function toSessionView({ tokenId, name, role, expiresAt }: Operator): SessionView {
  return { tokenId, name, role, ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }) }
}

/** An operator's token as it is stored: its hash, never the token. */
export interface OperatorToken {
  readonly id: string
  readonly name: string
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
  readonly role: OperatorRole
  /** Absent: it does not expire. */
  readonly expiresAt?: Date
  readonly createdAt: Date
  /** To the minute; absent where it was never used. */
  readonly lastUsedAt?: Date
}

/** The token as it is answered, and as the audit log keeps it. */
export function toOperatorTokenView(token: OperatorToken): OperatorTokenView {
  const { id, name, role, expiresAt, createdAt, lastUsedAt } = token
  return {
    id,
    name,
    role,
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    createdAt: createdAt.toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
  }
}

/** A console session as it is stored: the hash of what its cookie holds, never that itself. */
export interface Session {
  readonly id: string
  /** SHA-256 of what the cookie holds, lower-case hex. */
  readonly hash: string
  /** The operator token it was begun with, which it does not outlive. */
  readonly tokenId: string
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** When a session ends that begins now: after twelve hours, or with its token. */
export function sessionEnd({ expiresAt }: Pick<OperatorToken, 'expiresAt'>, now: Date): Date {
  const latest = new Date(now.getTime() + SESSION_MS)
  return expiresAt !== undefined && expiresAt < latest ? expiresAt : latest
}

const SESSION_MS = 12 * 3_600_000
