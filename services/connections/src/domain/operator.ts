import type { OperatorRole, SessionView } from '@sluice/contracts'
import type { Actor } from './actor.ts'

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
