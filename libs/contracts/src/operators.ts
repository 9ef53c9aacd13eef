import { type Static, Type } from 'typebox'

/** The permissions of an operator: everything, or read only. */
export type OperatorRole = Static<typeof OperatorRole>
export const OperatorRole = Type.Union([Type.Literal('admin'), Type.Literal('viewer')])

/** The document that creates an operator token. */
export type OperatorTokenInput = Static<typeof OperatorTokenInput>
export const OperatorTokenInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    role: OperatorRole,
    /** RFC 3339; absent: it does not expire. */
    expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { additionalProperties: false },
)

export type OperatorTokenView = Static<typeof OperatorTokenView>
export const OperatorTokenView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: OperatorRole,
  expiresAt: Type.Optional(Type.String()),
  createdAt: Type.String(),
  /** RFC 3339, to the minute. */
  lastUsedAt: Type.Optional(Type.String()),
})

/** The response to a creation, the only one that contains the token itself. */
export type CreatedOperatorToken = Static<typeof CreatedOperatorToken>
export const CreatedOperatorToken = Type.Intersect([OperatorTokenView, Type.Object({ token: Type.String() })])

/** The document that starts a session. */
export type SessionInput = Static<typeof SessionInput>
export const SessionInput = Type.Object({ token: Type.String({ maxLength: 200 }) }, { additionalProperties: false })

/** The current operator and role. */
export type SessionView = Static<typeof SessionView>
export const SessionView = Type.Object({
  /** The operator token that the session was begun with, or that the request brings. */
  tokenId: Type.String(),
  name: Type.String(),
  role: OperatorRole,
  /** When the session or the token ends, RFC 3339; absent: it does not. */
  expiresAt: Type.Optional(Type.String()),
})

/** The value of one field before and after a change; absent if the field was absent. */
export type FieldChange = Static<typeof FieldChange>
export const FieldChange = Type.Object({
  field: Type.String(),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
})

/** One action: actor, subject and time. Contains no secret. */
export type AuditEntryView = Static<typeof AuditEntryView>
export const AuditEntryView = Type.Object({
  id: Type.Integer(),
  /** RFC 3339. */
  at: Type.String(),
  /**
   * `operator:<token's name>`, `session:<token's name>`, `bus:<system's name>`, `address:<IP>`, `command` or `start`.
   */
  actor: Type.String(),
  /** The operator token of an operator or a session; it may be gone by now. */
  actorTokenId: Type.Optional(Type.String()),
  /** `<what>.<what happened to it>`: `connection.updated`, `login.refused`. */
  action: Type.String(),
  /** The connection, API key or operator token; absent where it is about none. */
  subjectId: Type.Optional(Type.String()),
  /** The differences, one entry per field. */
  changes: Type.Array(FieldChange),
  /** The refused attempt and the reason; absent for changes. */
  details: Type.Optional(Type.Record(Type.String(), Type.String())),
})

/** Entries of the audit log, newest first. */
export type AuditPage = Static<typeof AuditPage>
export const AuditPage = Type.Object({
  items: Type.Array(AuditEntryView),
  nextCursor: Type.Optional(Type.String()),
})
