import { type Static, Type } from 'typebox'
import { defineBucket, defineEvent, defineRequest } from './definitions.ts'
import { ProviderId } from './providers.ts'
import { RateLimitPart } from './responses.ts'
import { subjectToken } from './subjects.ts'

/** AWS Service Quotas, which are read on request. */
export type LimitSource = Static<typeof LimitSource>
export const LimitSource = Type.Literal('service-quotas')

/** A limit that a provider reported, for one model and dimension. */
export type DiscoveredLimit = Static<typeof DiscoveredLimit>
export const DiscoveredLimit = Type.Object({
  model: Type.String(),
  /** The counted quantity, in the provider's word: `requests`, `tokens`, `input-tokens`, … */
  dimension: Type.String(),
  limit: Type.Integer({ minimum: 0 }),
  /** The length of the limit's window; absent if the responses do not show it. */
  periodMs: Type.Optional(Type.Integer({ minimum: 1 })),
  remaining: Type.Optional(Type.Integer({ minimum: 0 })),
  /** When the whole limit is free again, Unix milliseconds. */
  resetAtMs: Type.Optional(Type.Integer()),
  firstSeenAtMs: Type.Integer(),
  lastSeenAtMs: Type.Integer(),
  /** How often the limit itself has changed since it was first seen. */
  changes: Type.Integer({ minimum: 0 }),
  /** The latest source; absent: the provider's responses to requests. */
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

/**
 * Reads the limits that the provider reports on request, beside those in its responses: AWS Service Quotas, with the
 * role of a Bedrock connection. Rejected with `not_found`; `invalid_request` for a connection to another provider;
 * `forbidden` when AWS does not let the role be assumed or read quotas; `rate_limited` or `upstream_unreachable` by
 * AWS; `unavailable` when discovery has no identity for AWS, or cannot store what it read.
 */
export const refreshDiscovered = defineRequest({
  subject: () => 'discovery.v1.refresh',
  queue: 'discovery',
  // Reading itself has twenty seconds.
  timeoutMs: 30_000,
  request: Type.Object({ connectionId: Type.String() }),
  reply: Type.Object({
    quotas: Type.Integer({ minimum: 0, description: 'Limits of calls to models that were read' }),
    changes: Type.Integer({ minimum: 0, description: 'Those that became another, or were seen for the first time' }),
    unknownModels: Type.Integer({
      minimum: 0,
      description: 'Those of a model whose id is not certain: kept under the name that the provider has for it',
    }),
    unreadable: Type.Integer({ minimum: 0, description: 'Quotas of calls to models that could not be made out' }),
  }),
})

/** The number of a provider's responses in which one part of one limit could not be parsed. */
export type UnreadableCount = Static<typeof UnreadableCount>
export const UnreadableCount = Type.Object({
  provider: ProviderId,
  dimension: Type.String(),
  part: RateLimitPart,
  responses: Type.Integer({ minimum: 1 }),
})

/** A message of the stream of responses that could not be learned from, without its data. */
export type DeadLetterView = Static<typeof DeadLetterView>
export const DeadLetterView = Type.Object({
  streamSequence: Type.Integer({ minimum: 0 }),
  subject: Type.String(),
  /** The error, in words. */
  reason: Type.String(),
  deadLetteredAtMs: Type.Integer(),
})

/** Limits and messages that discovery could not parse. */
export const discoveryStatus = defineRequest({
  subject: () => 'discovery.v1.status',
  queue: 'discovery',
  timeoutMs: 5_000,
  askAllAfterMs: 1_000,
  request: Type.Object({}),
  reply: Type.Object({
    /** Counted by the instance that replies, since it started. */
    unreadable: Type.Array(UnreadableCount),
    deadLetters: Type.Object({
      /** Kept by all instances together. */
      count: Type.Integer({ minimum: 0 }),
      /** The newest first. */
      latest: Type.Array(DeadLetterView),
    }),
  }),
})
