import { isDeepStrictEqual } from 'node:util'
import { type AuditEntryView, type FieldChange, storableText } from '@sluice/contracts'
import { visibleText } from '../documents.ts'

/** The maker of a change, or of a refused request. */
export interface Actor {
  /**
   * `operator:<token's name>`, `session:<name of its token>`, `bus:<name that the system gives itself>`,
   * `address:<IP>` for an unauthenticated client, `command`, `start`.
   */
  readonly label: string
  /** The operator token of an operator or a session: token names are not unique. */
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

/** One change, or one refusal, as the audit log records it. */
export interface NewAuditEntry {
  readonly actor: Actor
  /** `<thing>.<past participle>`: `connection.created`. */
  readonly action: string
  /** The connection, API key or operator token, if it is about one. */
  readonly subjectId?: string
  /** Views, which contain no secret. Absent before a creation, and after a deletion. */
  readonly before?: object | undefined
  readonly after?: object | undefined
  /** The refused attempt and the reason; never the document that was sent. */
  readonly details?: Readonly<Record<string, string>>
}

export interface AuditEntry extends NewAuditEntry {
  /** Increases. */
  readonly id: number
  readonly at: Date
}

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
 * Returns the fields that differ between two views of one thing, by name; without the fields that every change
 * updates.
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
