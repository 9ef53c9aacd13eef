import { type Static, Type } from 'typebox'
import { defineBucket, defineEvent, defineRequest } from '../define.ts'
import { subjectToken } from '../subject-token.ts'

/** AWS's Service Quotas, which are read when somebody asks for it. */
export type LimitSource = Static<typeof LimitSource>
export const LimitSource = Type.Literal('service-quotas')

/** A limit that a provider told of, for one model and dimension. */
export type DiscoveredLimit = Static<typeof DiscoveredLimit>
export const DiscoveredLimit = Type.Object({
  model: Type.String(),
  /** What is counted, in the provider's word: `requests`, `tokens`, `input-tokens`, … */
  dimension: Type.String(),
  limit: Type.Integer({ minimum: 0 }),
  /** The length of the limit's window; absent where the answers do not tell it. */
  periodMs: Type.Optional(Type.Integer({ minimum: 1 })),
  remaining: Type.Optional(Type.Integer({ minimum: 0 })),
  /** When the whole limit is free again, Unix milliseconds. */
  resetAtMs: Type.Optional(Type.Integer()),
  firstSeenAtMs: Type.Integer(),
  lastSeenAtMs: Type.Integer(),
  /** How often the limit itself has changed since it was first seen. */
  changes: Type.Integer({ minimum: 0 }),
  /** Who told it last; absent: the provider's answers to requests. */
  source: Type.Optional(LimitSource),
})

/** All discovered limits of a connection; the key is its id. */
export const discovered = defineBucket({
  name: 'discovered',
  value: Type.Object({ connectionId: Type.String(), limits: Type.Array(DiscoveredLimit) }),
})

/** A connection's discovered limits, for the admin API and internal systems. */
export const listDiscovered = defineRequest({
  subject: () => 'discovery.v1.list',
  queue: 'discovery',
  timeoutMs: 5_000,
  askAllAfterMs: 1_000,
  request: Type.Object({ connectionId: Type.String() }),
  reply: Type.Object({ items: Type.Array(DiscoveredLimit) }),
})

/** A discovered limit changed, or was seen for the first time (then `oldLimit` is absent). */
export const discoveredChanged = defineEvent({
  subject: (connectionId: string) => `discovery.v1.changed.${subjectToken(connectionId)}`,
  event: Type.Object({
    connectionId: Type.String(),
    model: Type.String(),
    dimension: Type.String(),
    oldLimit: Type.Optional(Type.Integer()),
    newLimit: Type.Integer(),
    changedAtMs: Type.Integer(),
  }),
})
