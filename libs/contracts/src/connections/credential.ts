import { type Static, Type } from 'typebox'
import { defineRequest } from '../define.ts'

/**
 * A gateway asks for a connection's credential; the answer is sealed (`crypto_box_seal`) to the gateway's public key. The
 * sealed text is the JSON object of the provider's secret config fields, such as `{"apiKey": "…"}`. It is the current version, which
 * the reply names: newer than the one asked for where that has been replaced meanwhile, never older.
 *
 * Rejected with `not_found` or `credential_unavailable` when this one cannot be handed out, `upstream_unreachable` when its key
 * service is away, and `unavailable` or `internal` when the connections service can hand out none now.
 */
export const credential = defineRequest({
  subject: () => 'connections.v1.credential',
  queue: 'connections',
  // Longer than a key service takes to be found away.
  timeoutMs: 6_000,
  askAllAfterMs: 500,
  request: Type.Object({
    connectionId: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    /** X25519, base64. */
    publicKey: Type.String(),
  }),
  reply: Type.Object({
    connectionId: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    /** Base64. */
    sealed: Type.String(),
  }),
})

/** What is in the sealed text. */
export type CredentialFields = Static<typeof CredentialFields>
export const CredentialFields = Type.Record(Type.String(), Type.String())
