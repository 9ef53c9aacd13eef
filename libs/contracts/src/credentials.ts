import { type Static, Type } from 'typebox'
import { defineEvent, defineRequest } from './definitions.ts'
import { subjectToken } from './subjects.ts'

/**
 * A secret for the connections service only: `crypto_box_seal` to its public key (`connections.v1.sealing-key`), in
 * base64.
 */
export type SealedSecret = Static<typeof SealedSecret>
export const SealedSecret = Type.Object({ sealed: Type.String({ minLength: 1 }) }, { additionalProperties: false })

/** The reason why a stored credential could not be opened, or used, at its last request. Absent once it could. */
export type CredentialFault = Static<typeof CredentialFault>
export const CredentialFault = Type.Object({
  /** Stable, for programs. `key_unavailable` passes by itself, the others need an operator. `rejected_by_provider`: it can be opened, and the
   * provider does not take it. */
  reason: Type.Union([
    Type.Literal('malformed'),
    Type.Literal('unknown_key'),
    Type.Literal('not_authentic'),
    Type.Literal('key_refused'),
    Type.Literal('key_unavailable'),
    Type.Literal('rejected_by_provider'),
  ]),
  message: Type.String(),
  /** The time at which it was first noticed, RFC 3339. */
  since: Type.String(),
})

/** The public facts of a credential: never the credential. */
export type CredentialView = Static<typeof CredentialView>
export const CredentialView = Type.Object({
  set: Type.Boolean(),
  /** `…` and the credential's last four characters; only `…` where it is too short to show any. */
  hint: Type.Optional(Type.String()),
  version: Type.Integer({ minimum: 1 }),
  /** RFC 3339. */
  rotatedAt: Type.String(),
  /** The version whose credential it has, where it came by a roll-back. */
  restores: Type.Optional(Type.Integer({ minimum: 1 })),
  /**
   * The connection is not served while this is there; with `rejected_by_provider`, its provider refuses what is sent.
   */
  fault: Type.Optional(CredentialFault),
})

/**
 * A gateway requests a connection's credential; the reply is sealed (`crypto_box_seal`) to the gateway's public key.
 * The sealed text is the JSON object of the provider's secret config fields, such as `{"apiKey": "…"}`. It is the
 * current version, which the reply names: newer than the requested one if that has been replaced meanwhile, never
 * older.
 *
 * Rejected with `not_found` or `credential_unavailable` when this one cannot be handed out, `upstream_unreachable`
 * when its key service is away, and `unavailable` or `internal` when the connections service can hand out none now.
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

/** The content of the sealed text. */
export type CredentialFields = Static<typeof CredentialFields>
export const CredentialFields = Type.Record(Type.String(), Type.String())

/** A new credential for a connection: the `config` of a `ConnectionPatch`, with every secret field of its provider. */
export type CredentialRotation = Static<typeof CredentialRotation>
export const CredentialRotation = Type.Object(
  { config: Type.Record(Type.String(), Type.Unknown()) },
  { additionalProperties: false },
)

/** The public facts of one version of a connection's credential: never the credential. */
export type CredentialVersion = Static<typeof CredentialVersion>
export const CredentialVersion = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  /** As that of a `CredentialView`. */
  hint: Type.String(),
  /** `previous`: it can be rolled back to. `retired`: it is destroyed, or about to be; it never comes back. */
  status: Type.Union([Type.Literal('current'), Type.Literal('previous'), Type.Literal('retired')]),
  /** RFC 3339. */
  createdAt: Type.String(),
  /** As the audit log names them; absent where it is not known. */
  createdBy: Type.Optional(Type.String()),
  /** The version whose credential it has, where it came by a roll-back. */
  restores: Type.Optional(Type.Integer({ minimum: 1 })),
  /** The key service that wrapped its data key, and the key; absent once it is destroyed. */
  keyService: Type.Optional(Type.String()),
  keyId: Type.Optional(Type.String()),
  /** As that of a `CredentialView`. */
  fault: Type.Optional(CredentialFault),
  /** The time until which the previous version can be rolled back to, RFC 3339. */
  rollbackUntil: Type.Optional(Type.String()),
})

/** The versions of a connection's credential, newest first. */
export type CredentialVersionPage = Static<typeof CredentialVersionPage>
export const CredentialVersionPage = Type.Object({
  items: Type.Array(CredentialVersion),
  nextCursor: Type.Optional(Type.String()),
})

/**
 * A gateway has learned whether a provider takes a connection's credential. Published when that changes, and again
 * every few minutes while requests are sent, as it may have been missed.
 */
export const credentialStatus = defineEvent({
  subject: (connectionId: string) => `gateway.v1.credentials.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    /** The credential's version. */
    version: Type.Integer({ minimum: 1 }),
    status: Type.Union([Type.Literal('accepted'), Type.Literal('rejected')]),
    /** HTTP status with which the provider rejected it. */
    upstreamStatus: Type.Optional(Type.Integer()),
  }),
})

/** A provider rejects a connection's credential, or takes it again (then `fault` is absent). */
export const credentialFaultChanged = defineEvent({
  subject: (connectionId: string) => `connections.v1.credential-fault.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    name: Type.String(),
    /** The credential's version. */
    version: Type.Integer({ minimum: 1 }),
    fault: Type.Optional(CredentialFault),
  }),
})
