import { type Static, Type } from 'typebox'
import { defineBucket } from '../define.ts'

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
