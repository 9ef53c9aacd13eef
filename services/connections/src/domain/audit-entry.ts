import type { AuditEntryView } from '@sluice/contracts'
import type { Actor } from './actor.ts'
import { difference } from './difference.ts'

/** What is written in the audit log of one change, or of one refusal. */
export interface NewAuditEntry {
  readonly actor: Actor
  /** `<what>.<what happened to it>`: `connection.created`. */
  readonly action: string
  /** The connection, API key or operator token; absent where it is about none. */
  readonly subjectId?: string
  /** Views, which hold no secret. Absent before a creation, and after a removal. */
  readonly before?: object | undefined
  readonly after?: object | undefined
  /** What was tried and why it was refused: never with what was sent. */
  readonly details?: Readonly<Record<string, string>>
}

export interface AuditEntry extends NewAuditEntry {
  /** Counts up. */
  readonly id: number
  readonly at: Date
}

/** The entry as it is answered. */
export function toAuditEntryView({
  id,
  at,
  actor,
  action,
  subjectId,
  before,
  after,
  details,
}: AuditEntry): AuditEntryView {
  return {
    id,
    at: at.toISOString(),
    actor: actor.label,
    ...(actor.tokenId === undefined ? {} : { actorTokenId: actor.tokenId }),
    action,
    ...(subjectId === undefined ? {} : { subjectId }),
    changes: difference(before, after),
    ...(details === undefined ? {} : { details: { ...details } }),
  }
}
