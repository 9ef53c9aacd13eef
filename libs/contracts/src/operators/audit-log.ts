import { type Static, Type } from 'typebox'

/** How one field stood before and after a change; absent where it was not there. */
export type FieldChange = Static<typeof FieldChange>
export const FieldChange = Type.Object({
  field: Type.String(),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
})

/** Who did what to what, and when. Holds no secret. */
export type AuditEntryView = Static<typeof AuditEntryView>
export const AuditEntryView = Type.Object({
  id: Type.Integer(),
  /** RFC 3339. */
  at: Type.String(),
  /** `operator:<token's name>`, `session:<token's name>`, `bus:<system's name>`, `address:<IP>`, `command` or `start`. */
  actor: Type.String(),
  /** The operator token of an operator or a session; it may be gone by now. */
  actorTokenId: Type.Optional(Type.String()),
  /** `<what>.<what happened to it>`: `connection.updated`, `login.refused`. */
  action: Type.String(),
  /** The connection, API key or operator token; absent where it is about none. */
  subjectId: Type.Optional(Type.String()),
  /** What is different, one entry a field. */
  changes: Type.Array(FieldChange),
  /** What was tried and why it was refused; absent for changes. */
  details: Type.Optional(Type.Record(Type.String(), Type.String())),
})

/** Entries of the audit log, newest first. */
export type AuditPage = Static<typeof AuditPage>
export const AuditPage = Type.Object({
  items: Type.Array(AuditEntryView),
  nextCursor: Type.Optional(Type.String()),
})
