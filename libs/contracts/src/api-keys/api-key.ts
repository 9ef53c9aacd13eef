import { type Static, Type } from 'typebox'

/** A new API key, as operators ask for it. */
export type ApiKeyInput = Static<typeof ApiKeyInput>
export const ApiKeyInput = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100 }),
    connections: Type.Union([
      Type.Literal('*'),
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 1_000, uniqueItems: true }),
    ]),
    /** RFC 3339; absent: it does not expire. */
    expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { additionalProperties: false },
)

export type ApiKeyView = Static<typeof ApiKeyView>
export const ApiKeyView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  connections: Type.Union([Type.Literal('*'), Type.Array(Type.String())]),
  expiresAt: Type.Optional(Type.String()),
  createdAt: Type.String(),
})

/** The answer to a creation, the only time that the key itself is shown. */
export type CreatedApiKey = Static<typeof CreatedApiKey>
export const CreatedApiKey = Type.Intersect([ApiKeyView, Type.Object({ key: Type.String() })])
