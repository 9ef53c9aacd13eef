import { type Static, Type } from 'typebox'

/** What an operator may do: everything, or look. */
export type OperatorRole = Static<typeof OperatorRole>
export const OperatorRole = Type.Union([Type.Literal('admin'), Type.Literal('viewer')])

/** A new operator token, as operators ask for it. */
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

/** The answer to a creation, the only time that the token itself is shown. */
export type CreatedOperatorToken = Static<typeof CreatedOperatorToken>
export const CreatedOperatorToken = Type.Intersect([OperatorTokenView, Type.Object({ token: Type.String() })])
