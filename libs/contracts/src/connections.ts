import { type Static, type TNull, type TOptional, type TSchema, type TUnion, Type } from 'typebox'
import { CapacityLimit } from './capacity.ts'
import { CredentialView } from './credentials.ts'
import { defineBucket, defineEvent, defineRequest } from './definitions.ts'
import { ProviderId } from './providers.ts'
import { subjectToken } from './subjects.ts'

/** A field of a change: absent, it stays; `null` takes it out. */
export function orNull<S extends TSchema>(schema: S): TOptional<TUnion<[S, TNull]>> {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

/** The settings of a connection besides its provider and credential. Shared by input, view and projection. */
export const connectionName = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
  errorMessage: 'must be lower-case letters, digits and hyphens, beginning with a letter or digit, at most 63',
})

export const connectionSettings = {
  description: Type.String({ maxLength: 1_000 }),
  /** Model names that may be used, `*` standing for any run of characters. Absent: every model. */
  allowedModels: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 200 }),
  /** At most one entry a period. Empty: not limited. */
  capacity: Type.Array(CapacityLimit, { maxItems: 3 }),
  /** Reserved for the response if the caller states no maximum. */
  defaultMaxOutputTokens: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
  /**
   * How much of a stated output maximum is reserved: `bounded`, all of it up to a tenth of the smallest token limit
   * and beyond that what recent responses used; `maximum`, all of it; `expected`, what recent responses used.
   */
  tokenReservation: Type.Union([Type.Literal('bounded'), Type.Literal('maximum'), Type.Literal('expected')]),
  /** The fate of requests while no capacity instance replies. */
  onCapacityUnavailable: Type.Union([Type.Literal('reject'), Type.Literal('allow')]),
  /** How long a denied request may wait for its permit before it gets 429; 0: not at all. */
  maxWaitMs: Type.Integer({ minimum: 0, maximum: 600_000 }),
  /** Enforces, for each model, the limits that the provider reported as well: the lower of them and `capacity`. */
  enforceDiscovered: Type.Boolean(),
  /** Allows operations with which a provider hands out credentials or administers the account. */
  allowAdministration: Type.Boolean(),
  /**
   * Has the gateway request the usage of streams that report it only on request (`stream_options.include_usage`), if
   * the application does not.
   */
  requestStreamUsage: Type.Boolean(),
  enabled: Type.Boolean(),
} as const

/** The defaults of settings that an operator leaves out. */
export const CONNECTION_DEFAULTS = {
  capacity: [],
  defaultMaxOutputTokens: 1_024,
  tokenReservation: 'bounded',
  onCapacityUnavailable: 'reject',
  maxWaitMs: 0,
  enabled: true,
} satisfies Pick<
  { [Name in keyof typeof connectionSettings]: Static<(typeof connectionSettings)[Name]> },
  'capacity' | 'defaultMaxOutputTokens' | 'tokenReservation' | 'onCapacityUnavailable' | 'maxWaitMs' | 'enabled'
>

/**
 * A new connection, as operators and internal systems send it. `config` has the shape of its provider. Over HTTP a
 * secret field of it is a string; over NATS it is a {@link SealedSecret}, so that no plaintext is ever on the bus.
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
 * A change: what is absent stays, and `null` takes a setting back to what holds where nothing is said. `config` is
 * merged field by field in the same way; a secret in it rotates the credential.
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

/** A connection's settings as its view and its projection have them. */
const settingsOfConnection = {
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
}

/** A connection as it is returned: `config` without its secret fields. */
export type ConnectionView = Static<typeof ConnectionView>
export const ConnectionView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: ProviderId,
  config: Type.Record(Type.String(), Type.Unknown()),
  credential: Type.Optional(CredentialView),
  description: Type.String(),
  ...settingsOfConnection,
  /** Counts up with each change; `If-Match` takes it. */
  version: Type.Integer({ minimum: 1 }),
  /** RFC 3339. */
  createdAt: Type.String(),
  /** RFC 3339. */
  updatedAt: Type.String(),
})

const served = { queue: 'connections', timeoutMs: 5_000 } as const
const reading = { ...served, askAllAfterMs: 1_000 } as const

/** The maker of a change, for the audit log: the name that an internal system gives itself. */
const actor = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }))

/** Connections by name, a page at a time. */
export const listConnections = defineRequest({
  ...reading,
  subject: () => 'connections.v1.list',
  request: Type.Object({
    search: Type.Optional(Type.String({ maxLength: 200 })),
    provider: Type.Optional(ProviderId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  }),
  reply: Type.Object({ items: Type.Array(ConnectionView), nextCursor: Type.Optional(Type.String()) }),
})

export const getConnection = defineRequest({
  ...reading,
  subject: () => 'connections.v1.get',
  request: Type.Object({ id: Type.String() }),
  reply: ConnectionView,
})

/** Secret fields of `connection.config` are sealed (see `ConnectionInput`). */
export const createConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.create',
  request: Type.Object({ actor, connection: ConnectionInput }),
  reply: ConnectionView,
})

export const updateConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.update',
  request: Type.Object({
    actor,
    id: Type.String(),
    /** Refused with `version_conflict` unless it is the connection's version. */
    ifVersion: Type.Optional(Type.Integer({ minimum: 1 })),
    changes: ConnectionPatch,
  }),
  reply: ConnectionView,
})

export const deleteConnection = defineRequest({
  ...served,
  subject: () => 'connections.v1.delete',
  request: Type.Object({ actor, id: Type.String(), ifVersion: Type.Optional(Type.Integer({ minimum: 1 })) }),
  reply: Type.Object({ id: Type.String() }),
})

/** The X25519 public key that secrets for the connections service are sealed to, in base64. */
export const sealingKey = defineRequest({
  ...reading,
  subject: () => 'connections.v1.sealing-key',
  request: Type.Object({}),
  reply: Type.Object({ publicKey: Type.String() }),
})

/** A connection as every service sees it: no secret, nothing that only operators need. The key is its id. */
export type ProjectedConnection = Static<typeof ProjectedConnection>
export const ProjectedConnection = Type.Object({
  id: Type.String(),
  name: Type.String(),
  provider: ProviderId,
  /** The provider's config without its secret fields. */
  config: Type.Record(Type.String(), Type.Unknown()),
  /** Absent where the provider needs no stored credential. */
  credentialVersion: Type.Optional(Type.Integer({ minimum: 1 })),
  ...settingsOfConnection,
  version: Type.Integer({ minimum: 1 }),
})

export const connectionProjection = defineBucket({ name: 'connections', value: ProjectedConnection })

/** A connection was created, updated, rotated or deleted. */
export const connectionChanged = defineEvent({
  subject: (connectionId: string) => `connections.v1.changed.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    name: Type.String(),
    change: Type.Union([
      Type.Literal('created'),
      Type.Literal('updated'),
      Type.Literal('rotated'),
      Type.Literal('deleted'),
    ]),
    version: Type.Integer({ minimum: 1 }),
  }),
})
