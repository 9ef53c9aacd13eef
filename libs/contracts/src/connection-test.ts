import { type Static, Type } from 'typebox'
import { connectionSettings } from './connections.ts'
import { defineRequest } from './definitions.ts'
import { ProviderId } from './providers.ts'

/** Why a provider did not take a connection. A code's meaning never changes; new codes may be added. */
export const CONNECTION_TEST_ERROR_CODES = [
  /** The provider does not know the credential. */
  'invalid_credential',
  /** The provider knows the credential, which lacks the permission for the test. */
  'forbidden',
  /** AWS: the role cannot be assumed with the connection's external id. */
  'role_not_assumable',
  /** The credential is valid; the requested model cannot be used with it. */
  'model_unavailable',
  /** The provider's own limit is exceeded. */
  'rate_limited',
  /** No connection to its address could be made, or none may be. */
  'unreachable',
  /** The provider did not respond in time. */
  'timeout',
  /** The provider has nothing at the tested address, which says nothing about the credential. */
  'untested',
  /** The provider responded with another error, or in a shape that is not its own. */
  'provider_error',
] as const

export type ConnectionTestErrorCode = (typeof CONNECTION_TEST_ERROR_CODES)[number]

/** The result of calling a connection's provider. */
export type ConnectionTest = Static<typeof ConnectionTest>
export const ConnectionTest = Type.Object({
  ok: Type.Boolean({ description: 'Whether the provider takes the connection' }),
  latencyMs: Type.Integer({ minimum: 0, description: 'How long the test took, in milliseconds' }),
  models: Type.Optional(
    Type.Array(Type.String(), { description: "The first 1,000 of the provider's models, where it lists them" }),
  ),
  error: Type.Optional(
    Type.Object({
      code: Type.String({
        description:
          `Stable; one of ${CONNECTION_TEST_ERROR_CODES.join(', ')}, or a later one. Only invalid_credential, forbidden and ` +
          'role_not_assumable refuse the credential: the others say nothing of it.',
      }),
      message: Type.String({ description: "The provider's own words where it said any, without the credential" }),
      status: Type.Optional(Type.Integer({ description: "HTTP status of the provider's response" })),
    }),
  ),
})

/** A connection to be tried without being stored: as much of a `ConnectionInput` as the provider sees. */
export type ConnectionTestInput = Static<typeof ConnectionTestInput>
export const ConnectionTestInput = Type.Object(
  {
    provider: ProviderId,
    config: Type.Record(Type.String(), Type.Unknown()),
    allowedModels: Type.Optional(connectionSettings.allowedModels),
  },
  { additionalProperties: false },
)

/**
 * Calls the provider of a stored connection with its credential. A refusal by the provider is a result, not an error.
 */
export const testConnection = defineRequest({
  subject: () => 'connections.v1.test',
  queue: 'connections',
  // The test itself has ten seconds.
  timeoutMs: 15_000,
  request: Type.Object({ id: Type.String() }),
  reply: ConnectionTest,
})
