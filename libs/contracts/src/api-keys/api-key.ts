import { type Static, Type } from 'typebox'

const name = Type.String({ minLength: 1, maxLength: 100 })

/** `*`, or the ids of the connections that it may use. */
const scope = Type.Union(
  [Type.Literal('*'), Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 1_000, uniqueItems: true })],
  { errorMessage: 'must be "*" for every connection, or a list of ids of connections, each once and at most 1000' },
)

/** A new API key, as operators ask for it. */
export type ApiKeyInput = Static<typeof ApiKeyInput>
export const ApiKeyInput = Type.Object(
  {
    name,
    connections: scope,
    /** RFC 3339; absent: it does not expire. */
    expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
  },
  { additionalProperties: false },
)

/** A change: what is absent stays. */
export type ApiKeyPatch = Static<typeof ApiKeyPatch>
export const ApiKeyPatch = Type.Object(
  {
    name: Type.Optional(name),
    connections: Type.Optional(scope),
    /** RFC 3339; `null`: it no longer expires. */
    expiresAt: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
  },
  { additionalProperties: false },
)

export type ApiKeyView = Static<typeof ApiKeyView>
export const ApiKeyView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** `…` and the key's last four characters, which belong to its checksum; absent for keys made before it was kept. */
  hint: Type.Optional(Type.String()),
  connections: Type.Union([Type.Literal('*'), Type.Array(Type.String())]),
  expiresAt: Type.Optional(Type.String()),
  createdAt: Type.String(),
  /** RFC 3339, to a minute or so. A hint: uses while the service was away are missing. */
  lastUsedAt: Type.Optional(Type.String()),
})

/** The answer to a creation, the only time that the key itself is shown. */
export type CreatedApiKey = Static<typeof CreatedApiKey>
export const CreatedApiKey = Type.Intersect([ApiKeyView, Type.Object({ key: Type.String() })])
