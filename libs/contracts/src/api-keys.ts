import { type Static, Type } from 'typebox'
import { defineBucket, defineEvent } from './definitions.ts'
import { responses } from './responses.ts'

const name = Type.String({ minLength: 1, maxLength: 100 })

/** `*`, or the ids of the connections that it may use. */
const scope = Type.Union(
  [Type.Literal('*'), Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 1_000, uniqueItems: true })],
  { errorMessage: 'must be "*" for every connection, or a list of ids of connections, each once and at most 1000' },
)

/** The document that creates an API key. */
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

/** The response to a creation, the only one that contains the key itself. */
export type CreatedApiKey = Static<typeof CreatedApiKey>
export const CreatedApiKey = Type.Intersect([ApiKeyView, Type.Object({ key: Type.String() })])

/** An application's key as gateways know it. The bucket's key is the SHA-256 of the API key, in lower-case hex. */
export type ProjectedApiKey = Static<typeof ProjectedApiKey>
export const ProjectedApiKey = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** `*`, or the ids of the connections that it may use. */
  connections: Type.Union([Type.Literal('*'), Type.Array(Type.String())]),
  expiresAtMs: Type.Optional(Type.Integer()),
})

export const apiKeyProjection = defineBucket({ name: 'api-keys', value: ProjectedApiKey })

/**
 * The API keys of a batch of response events, received as it is published and not from the stream: enough for a hint
 * of last use.
 */
export const apiKeysUsed = defineEvent({
  subject: responses.subject,
  event: Type.Object({
    events: Type.Array(Type.Object({ apiKeyId: Type.String(), startedAtMs: Type.Integer() })),
  }),
})
