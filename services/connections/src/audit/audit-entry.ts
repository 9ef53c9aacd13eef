import { isDeepStrictEqual } from 'node:util'
import { type AuditEntryView, type FieldChange, storableText } from '@sluice/contracts'
import { visibleText } from '../documents.ts'

/** Who makes a change or is refused one, for the audit log. */
export interface Actor {
  /**
   * `operator:<token's name>`, `session:<name of the token it was begun with>`, `bus:<name the system gives itself>`,
   * `address:<IP>` for whoever could not say who it is, `command`, `start`.
   */
  readonly label: string
  /** Of an operator and a session. Names of tokens are not unique. */
  readonly tokenId?: string
}

export function busActor(name = 'unnamed'): Actor {
  return { label: `bus:${visibleText(storableText(name, name.length))}` }
}

export function addressActor(address: string): Actor {
  return { label: `address:${address}` }
}

export const COMMAND: Actor = { label: 'command' }
export const START: Actor = { label: 'start' }

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

/**
 * What is different between two views of one thing, one entry a field, by name. What counts or dates every change tells nothing of
 * this one and is left out.
 */
export function difference(before: object | undefined, after: object | undefined): FieldChange[] {
  const old = new Map<string, unknown>(Object.entries(before ?? {}))
  const fresh = new Map<string, unknown>(Object.entries(after ?? {}))
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((field) => !BOOKKEEPING.has(field) && !isDeepStrictEqual(old.get(field), fresh.get(field)))
    .toSorted()
    .map((field) => ({
      field,
      ...(old.has(field) ? { before: old.get(field) } : {}),
      ...(fresh.has(field) ? { after: fresh.get(field) } : {}),
    }))
}

const BOOKKEEPING: ReadonlySet<string> = new Set(['version', 'updatedAt', 'lastUsedAt'])
