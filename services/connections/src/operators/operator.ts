import type { OperatorRole, OperatorTokenView } from '@sluice/contracts'
import type { Actor } from '../audit/audit-entry.ts'

/** An operator token as it is stored: its hash, never the token. */
export interface OperatorToken {
  readonly id: string
  readonly name: string
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string
  readonly role: OperatorRole
  /** Absent: it does not expire. */
  readonly expiresAt?: Date
  readonly createdAt: Date
  /** To the minute; absent when it was never used. */
  readonly lastUsedAt?: Date
}

/** The caller of the admin API: with an operator token, or in a session that was started with one. */
export interface Operator {
  readonly tokenId: string
  /** The token's name. */
  readonly name: string
  readonly role: OperatorRole
  /** Absent when the request carries the token itself. */
  readonly sessionId?: string
  /** When the session, or the token, ends; absent: never. */
  readonly expiresAt?: Date
}

export function operatorActor({ name, tokenId, sessionId }: Operator): Actor {
  return { label: `${sessionId === undefined ? 'operator' : 'session'}:${name}`, tokenId }
}

/** Returns the token as the API shows it and the audit log records it. */
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
