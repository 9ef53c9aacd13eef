import { type Static, type TSchema, Type } from 'typebox'
import { orNull } from '../or-null.ts'
import { ProviderId } from '../providers.ts'
import { connectionName, connectionSettings } from './settings.ts'

/**
 * A new connection, as operators and internal systems send it. `config` has the shape of its provider. Over HTTP a secret field
 * of it is a string; over NATS it is a {@link SealedSecret}, so that no plaintext is ever on the bus.
 */
export type ConnectionInput = Static<typeof ConnectionInput>
export const ConnectionInput = Type.Object(
  {
    name: connectionName,
    provider: ProviderId,
    config: Type.Record(Type.String(), Type.Unknown()),
    ...Type.Partial(Type.Object(connectionSettings)).properties,
  },
  { additionalProperties: false },
)

/**
 * A change: what is absent stays, and `null` takes a setting back to what holds where nothing is said. `config` is merged field by
 * field in the same way; a secret in it rotates the credential.
 */
export type ConnectionPatch = Static<typeof ConnectionPatch>
export const ConnectionPatch = Type.Object(
  {
    name: Type.Optional(connectionName),
    config: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    ...clearable(connectionSettings),
  },
  { additionalProperties: false },
)

function clearable<S extends Readonly<Record<string, TSchema>>>(schemas: S) {
  const entries = Object.entries(schemas).map(([name, schema]) => [name, orNull(schema)])
  return Object.fromEntries(entries) as { [Name in keyof S]: ReturnType<typeof orNull<S[Name]>> }
}

/** A secret for the connections service only: `crypto_box_seal` to its public key (`connections.v1.sealing-key`), in base64. */
export type SealedSecret = Static<typeof SealedSecret>
export const SealedSecret = Type.Object({ sealed: Type.String({ minLength: 1 }) }, { additionalProperties: false })

/** Why a stored credential could not be opened, or used, when it was last asked for. Gone once it could. */
export type CredentialFault = Static<typeof CredentialFault>
export const CredentialFault = Type.Object({
  /** Stable: what programs go by. `key_unavailable` passes by itself, the others ask for an operator. `rejected_by_provider`: it can be opened, and the
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
  /** When it was first met, RFC 3339. */
  since: Type.String(),
})

/** What may be known of a credential: never the credential. */
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
  /** The connection is not served while this is there; with `rejected_by_provider`, its provider refuses what is sent. */
  fault: Type.Optional(CredentialFault),
})

/** A connection as it is answered: `config` without its secret fields. */
export type ConnectionView = Static<typeof ConnectionView>
export const ConnectionView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: ProviderId,
  config: Type.Record(Type.String(), Type.Unknown()),
  credential: Type.Optional(CredentialView),
  description: Type.String(),
  allowedModels: Type.Optional(connectionSettings.allowedModels),
  capacity: connectionSettings.capacity,
  defaultMaxOutputTokens: connectionSettings.defaultMaxOutputTokens,
  tokenReservation: connectionSettings.tokenReservation,
  onCapacityUnavailable: connectionSettings.onCapacityUnavailable,
  maxWaitMs: connectionSettings.maxWaitMs,
  /** Absent where it comes from a service that is older than the setting: false. */
  enforceDiscovered: Type.Optional(connectionSettings.enforceDiscovered),
  /** Absent: false. */
  allowAdministration: Type.Optional(connectionSettings.allowAdministration),
  /** Absent: true. */
  requestStreamUsage: Type.Optional(connectionSettings.requestStreamUsage),
  enabled: connectionSettings.enabled,
  /** Counts up with each change; `If-Match` takes it. */
  version: Type.Integer({ minimum: 1 }),
  /** RFC 3339. */
  createdAt: Type.String(),
  /** RFC 3339. */
  updatedAt: Type.String(),
})
