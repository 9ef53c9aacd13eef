import type { OperatorRole, OperatorTokenView } from '@sluice/contracts'

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
