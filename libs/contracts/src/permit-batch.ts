import { type Static, Type } from 'typebox'
import { Metric, Period } from './capacity.ts'
import { Cost, Count } from './cost.ts'
import { defineRequest } from './definitions.ts'
import { subjectToken } from './subjects.ts'

/**
 * By how much the counting of a permit outlasts its period at least. It covers a permit's age when its request leaves
 * and {@link WAY_TO_PROVIDER_MS}, so that the limit also holds in any interval by the provider's clock. Less than the
 * shortest slot (1 s).
 */
export const DELIVERY_SLACK_MS = 500

/**
 * The longest slack that a gateway far from its counters may request: the shortest slot. Each charge then counts for
 * one more slot.
 */
export const MAX_DELIVERY_SLACK_MS = 1_000

/** The part of the slack that is kept for a request's way to its provider. */
export const WAY_TO_PROVIDER_MS = 250

/**
 * How long after its charge a permit may still be used, at the shortest slack. A request whose permit is older when it
 * could leave (a slow handshake, a lost reply) is not written; its permit goes back and a fresh one is acquired.
 */
export const PERMIT_MAX_AGE_MS = DELIVERY_SLACK_MS - WAY_TO_PROVIDER_MS

/** Permit sessions that sent nothing for this long are removed from the connection's record. */
export const PERMIT_SESSION_EXPIRY_MS = 120_000

/**
 * The greatest age, by the counters' clock, at which a batch is applied: less than the memory of sessions, so that a
 * batch applied before is recognized. The difference covers the skew between two instances' clocks.
 */
export const PERMIT_BATCH_MAX_AGE_MS = PERMIT_SESSION_EXPIRY_MS - 5_000

/**
 * The part of the model's requests that this one belongs to, if the provider has separate limits for it: a service
 * tier, requests with a long prompt. Absent: the model's common pool.
 */
const pool = Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[^;]+$' }))

export type Acquire = Static<typeof Acquire>
export const Acquire = Type.Object({
  model: Type.String({ maxLength: 512 }),
  pool,
  ...Cost.properties,
  /**
   * The cost that the provider is expected to count against its own limits, if that is not the same (cached input,
   * say): held against discovered limits.
   */
  limited: Type.Optional(Cost),
  /** The tokens of the request itself, if `tokens` are those of several: cool-downs depend on the size of a request. */
  ownTokens: Type.Optional(Count),
  /** Only requests whether it would be granted now, and otherwise when: nothing is charged. */
  probe: Type.Optional(Type.Boolean()),
  /**
   * Moves an earlier charge of the same cost to now: takes back what was charged at this instant and charges it again,
   * in one step. Always granted, since no more is charged afterwards than before. What an upload that is still running
   * does.
   */
  renews: Type.Optional(Type.Integer({ minimum: 0 })),
})

/**
 * A cool-down, as the provider requested it: no permits for the pool's requests of at least `minTokens` (0 if absent)
 * for `durationMs` from now.
 */
export type CoolDown = Static<typeof CoolDown>
export const CoolDown = Type.Object({
  model: Type.String({ maxLength: 512 }),
  pool,
  minTokens: Type.Optional(Count),
  durationMs: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
  /** The gateway has seen the provider serve the model: its name is not made up. */
  isServed: Type.Optional(Type.Literal(true)),
})

/** The outcome of a permit that was granted as a trial during a cool-down. */
export type Trial = Static<typeof Trial>
export const Trial = Type.Object({
  model: Type.String({ maxLength: 512 }),
  pool,
  /** As it was requested. */
  tokens: Count,
  /** The permit's `trialAtMs`: it proves nothing of what was refused later. */
  grantedAtMs: Type.Integer({ minimum: 0 }),
  outcome: Type.Union([
    /** The provider has begun a response of 2xx: the pool's cool-downs that held the request back are over. */
    Type.Literal('served'),
    /** It was not sent: another request is to try. */
    Type.Literal('unsent'),
  ]),
})

/** The actual use of a permit. `chargedAtMs` and `reserved` are the permit's; the difference is refunded or charged. */
export type Settlement = Static<typeof Settlement>
export const Settlement = Type.Object({
  chargedAtMs: Type.Integer({ minimum: 0 }),
  reserved: Cost,
  actual: Cost,
  /** The same by the provider's count, where the acquire had `limited`. */
  limited: Type.Optional(Type.Object({ reserved: Cost, actual: Cost })),
  coolDown: Type.Optional(CoolDown),
  trial: Type.Optional(Trial),
  /** The permit's model, where the reply that granted it had `byModel`, or there was none. */
  model: Type.Optional(Type.String({ maxLength: 512 })),
})

export const MAX_ACQUIRES_PER_BATCH = 1_024
export const MAX_SETTLEMENTS_PER_BATCH = 1_024

/**
 * A permit batch whose changes are stored: its sequence number in its session, and when it was written by the
 * counters' clock.
 */
export type StoredBatch = Static<typeof StoredBatch>
export const StoredBatch = Type.Object({ seq: Type.Integer({ minimum: 1 }), atMs: Type.Integer() })

export type PermitBatchRequest = Static<typeof PermitBatchRequest>
export const PermitBatchRequest = Type.Object({
  /** The permit session's identity: a gateway process, for as long as it lives. */
  gateway: Type.String({ minLength: 1, maxLength: 64 }),
  /** The sequence number: increases by one with each new batch of the session, from 1. */
  seq: Type.Integer({ minimum: 1 }),
  /** This batch was sent before and got no reply: it may have been applied. */
  repeat: Type.Optional(Type.Boolean()),
  /**
   * The newest reading of the counters' clock that the gateway had when it made this batch (from replies and
   * heartbeats), Unix milliseconds; the same in every repetition. A batch that is older than the memory of sessions is
   * refused as stale: it could not be known whether it was applied before.
   */
  asOfMs: Type.Integer({ minimum: 0 }),
  /**
   * The session's last batch that is known to be stored. A record that does not contain it was rolled back: charges
   * are missing from it.
   */
  stored: Type.Optional(StoredBatch),
  /**
   * How long the counting of these permits must outlast its period, for a gateway far from its counters. Absent: the
   * shortest.
   */
  slackMs: Type.Optional(Type.Integer({ minimum: DELIVERY_SLACK_MS, maximum: MAX_DELIVERY_SLACK_MS })),
  acquires: Type.Array(Acquire, { maxItems: MAX_ACQUIRES_PER_BATCH }),
  settlements: Type.Array(Settlement, { maxItems: MAX_SETTLEMENTS_PER_BATCH }),
})

export type Granted = Static<typeof Granted>
export const Granted = Type.Object({
  status: Type.Literal('granted'),
  chargedAtMs: Type.Integer(),
  /**
   * The pool cools down, and this request is to find out whether the provider serves again: see {@link Trial}. When it
   * was granted, by the counters' clock: earlier than `chargedAtMs` for a gateway that is far.
   */
  trialAtMs: Type.Optional(Type.Integer({ minimum: 0 })),
})

/** The model whose limit it is, if it is a provider's limit for a model and not the connection's own. */
const limitedModel = Type.Optional(Type.String())

/** Why a permit was not granted, and when to come back. A denial consumes nothing. */
export type Denied = Static<typeof Denied>
export const Denied = Type.Union([
  /**
   * `limit` is reached; the same cost fits in `retryAfterMs`, and not a millisecond earlier, unless others use it
   * first.
   */
  Type.Object({
    status: Type.Literal('denied'),
    code: Type.Literal('capacity_exceeded'),
    period: Period,
    metric: Metric,
    limit: Count,
    retryAfterMs: Type.Integer({ minimum: 0 }),
    model: limitedModel,
  }),
  /** The cost exceeds `limit` by `excess` in an empty window: waiting can never help. */
  Type.Object({
    status: Type.Literal('denied'),
    code: Type.Literal('request_exceeds_capacity'),
    period: Period,
    metric: Metric,
    limit: Count,
    excess: Count,
    model: limitedModel,
  }),
  /** The pool cools down, as the provider requested, for another `retryAfterMs`. */
  Type.Object({
    status: Type.Literal('denied'),
    code: Type.Literal('upstream_cool_down'),
    model: Type.String(),
    pool,
    retryAfterMs: Type.Integer({ minimum: 0 }),
  }),
])

export type PermitResult = Static<typeof PermitResult>
export const PermitResult = Type.Union([Granted, Denied])

/** The state of a limit: what remains of it, and in how many milliseconds all of it is free again. */
export type WindowState = Static<typeof WindowState>
export const WindowState = Type.Object({
  period: Period,
  metric: Metric,
  limit: Count,
  remaining: Count,
  resetMs: Type.Integer({ minimum: 0 }),
})

export type PermitBatchReply = Static<typeof PermitBatchReply>
export const PermitBatchReply = Type.Object({
  seq: Type.Integer({ minimum: 1 }),
  /** One for each acquire, in their order. */
  results: Type.Array(PermitResult),
  windows: Type.Array(WindowState),
  /** Usage is counted for each model as well: settlements must name theirs. */
  byModel: Type.Optional(Type.Boolean()),
  /** The counters' clock at the decision, Unix milliseconds. */
  clockMs: Type.Integer(),
  /** When the session's results were stored, by the same clock; absent if this batch changed nothing. */
  storedAtMs: Type.Optional(Type.Integer()),
})

const definition = {
  queue: 'capacity',
  timeoutMs: 500,
  request: PermitBatchRequest,
  reply: PermitBatchReply,
} as const

/** A gateway's permit batch. If no instance responds, the connection's `onCapacityUnavailable` decides. */
export const permitBatch = defineRequest({
  ...definition,
  subject: (connectionId: string) => `capacity.v1.permits.${subjectToken(connectionId)}`,
})

/** The same, to one capacity instance: the one that, as the gateway computes, has the connection's record in memory. */
export const instancePermitBatch = defineRequest({
  ...definition,
  subject: (instance: string, connectionId: string) =>
    `capacity.v1.instance.${subjectToken(instance)}.permits.${subjectToken(connectionId)}`,
})
