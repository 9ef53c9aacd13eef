import { type Static, Type } from 'typebox'
import { defineBucket, defineRequest } from './definitions.ts'
import { subjectToken } from './subjects.ts'

export type Period = Static<typeof Period>
export const Period = Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')])

/**
 * A quantity that is counted and can be limited. Costs, windows, limits and headers have one entry for each of {@link
 * METRICS}.
 */
export type Metric = Static<typeof Metric>
export const Metric = Type.Union([
  Type.Literal('requests'),
  Type.Literal('tokens'),
  Type.Literal('inputTokens'),
  Type.Literal('outputTokens'),
])

/** The parts of `tokens`, which a cost may state separately. */
export const SPLIT_METRICS = ['inputTokens', 'outputTokens'] as const satisfies readonly Metric[]
export type SplitMetric = (typeof SPLIT_METRICS)[number]

export const METRICS: readonly Metric[] = ['requests', 'tokens', ...SPLIT_METRICS]

const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 }))

/** Every period, shortest first. */
export const PERIODS: readonly Period[] = Period.anyOf.map((literal) => literal.const)

/** The length of each period in milliseconds. */
export const PERIOD_MS: Readonly<Record<Period, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

export const LONGEST_PERIOD_MS = Math.max(...Object.values(PERIOD_MS))

/**
 * The capacity of a connection in one period. A metric that is absent is not limited. `tokens` are input and output
 * together; each part may be limited beside or instead of their sum.
 */
export type CapacityLimit = Static<typeof CapacityLimit>
export const CapacityLimit = Type.Object(
  {
    period: Period,
    requests: Limit,
    tokens: Limit,
    inputTokens: Limit,
    outputTokens: Limit,
    enabled: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
)

/** One limit of a connection as it stands. */
export type WindowStatus = Static<typeof WindowStatus>
export const WindowStatus = Type.Object({
  period: Period,
  metric: Metric,
  limit: Type.Integer(),
  /** Charged in the window, open reservations included. May exceed the limit by as much as callers understated. */
  used: Type.Integer(),
  /** The part of `used` that requests under way have reserved and not settled yet. */
  reserved: Type.Integer(),
  remaining: Type.Integer(),
  /** Until the window is empty, if nothing more is charged. */
  resetMs: Type.Integer(),
})

/** The current state of one limit that the provider reported for a model. */
export type ModelWindowStatus = Static<typeof ModelWindowStatus>
export const ModelWindowStatus = Type.Object({
  model: Type.String(),
  period: Period,
  metric: Metric,
  limit: Type.Integer(),
  /** Charged for the model in the window, open reservations included. */
  used: Type.Integer(),
  /** Less than the rest of the limit where the provider says so, as others use the account too. */
  remaining: Type.Integer(),
  /** Until the window is empty, if nothing more is charged. */
  resetMs: Type.Integer(),
})

/** Use that is counted since the store lost charges and it is unknown what they were. Part of `used`. */
export type AssumedUseStatus = Static<typeof AssumedUseStatus>
export const AssumedUseStatus = Type.Object({
  period: Period,
  metric: Metric,
  amount: Type.Integer(),
  /** Until it stops counting. */
  remainingMs: Type.Integer(),
})

/** A cool-down that is in force. */
export type CoolDownStatus = Static<typeof CoolDownStatus>
export const CoolDownStatus = Type.Object({
  model: Type.String(),
  /** The pool of the model's requests; absent: its common pool. */
  pool: Type.Optional(Type.String()),
  /** It holds requests back that reserve at least so many tokens; absent: all. */
  minTokens: Type.Optional(Type.Integer()),
  remainingMs: Type.Integer(),
  /**
   * Until a single request is let through to find out whether the provider serves again; absent: not before the end.
   */
  trialInMs: Type.Optional(Type.Integer()),
})

export type CapacityStatus = Static<typeof CapacityStatus>
export const CapacityStatus = Type.Object({
  connectionId: Type.String(),
  windows: Type.Array(WindowStatus),
  /** Where discovered limits are held: those of every model that was used of late. */
  models: Type.Optional(Type.Array(ModelWindowStatus)),
  coolDowns: Type.Array(CoolDownStatus),
  /** Absent where no charges were lost, or what is assumed in their place has slid out. */
  assumed: Type.Optional(Type.Array(AssumedUseStatus)),
})

/** How a connection's limits stand now. */
export const capacityStatus = defineRequest({
  subject: (connectionId: string) => `capacity.v1.status.${subjectToken(connectionId)}`,
  queue: 'capacity',
  timeoutMs: 2_000,
  askAllAfterMs: 300,
  request: Type.Object({}),
  reply: CapacityStatus,
})

/**
 * Requests whether permits are granted now: the capacity instance writes to the store of its counters before it
 * replies. Not ready, it says why, in words for people. The clock is for gateways that hear no heartbeat.
 */
export const capacityHealth = defineRequest({
  subject: () => 'capacity.v1.health',
  queue: 'capacity',
  timeoutMs: 1_000,
  askAllAfterMs: 300,
  request: Type.Object({}),
  reply: Type.Object({
    ready: Type.Boolean(),
    reason: Type.Optional(Type.String()),
    /** The counters' clock when it replied, Unix milliseconds. */
    clockMs: Type.Optional(Type.Integer()),
  }),
})

/**
 * How long an instance waits for its write before it replies that it is not ready, in milliseconds. Together with the
 * time after which all instances are requested, it is less than a requester waits.
 */
export const HEALTH_WRITE_MS = 600

/** One live capacity instance; the key is its id. Written each second, gone three seconds after the last time. */
export type CapacityMember = Static<typeof CapacityMember>
export const CapacityMember = Type.Object({
  instance: Type.String(),
  startedAtMs: Type.Integer(),
  /** The counters' clock as this instance has it when it writes this, Unix milliseconds. */
  clockMs: Type.Integer(),
})

export const MEMBER_HEARTBEAT_MS = 1_000
export const MEMBER_EXPIRY_MS = 3_000

export const capacityMembers = defineBucket({
  name: 'capacity-members',
  value: CapacityMember,
  expiryMs: MEMBER_EXPIRY_MS,
})

/**
 * How far the counters' clock had come, as the instances of one boot of a machine last wrote it; the key is the boot's
 * id. With it the clock goes on across restarts, and a start after a power cut is recognized.
 */
export type ClockMark = Static<typeof ClockMark>
export const ClockMark = Type.Object({
  /** Unix milliseconds. */
  clockMs: Type.Integer(),
  /** The machine's monotonic clock at that moment, milliseconds since its boot. */
  monotonicMs: Type.Number(),
  /** The instance that wrote it has stopped in order since. */
  stopped: Type.Boolean(),
  /** The latest span of the counters' clock of which the store may lack charges, as its machine lost power. */
  lost: Type.Optional(
    Type.Object({
      fromMs: Type.Integer(),
      untilMs: Type.Integer(),
      /** Whole records may be missing, with all that they counted until then. */
      vanished: Type.Optional(Type.Literal(true)),
    }),
  ),
})

/** Longer than any limit's period: what was counted before counts no more. */
export const CLOCK_MARK_EXPIRY_MS = 7 * 86_400_000

export const clockMarks = defineBucket({
  name: 'capacity-clock',
  value: ClockMark,
  expiryMs: CLOCK_MARK_EXPIRY_MS,
  isPrivate: true,
})

/** The authoritative counters, a key a connection. Only the capacity service knows what is in a value. */
export const capacityRecords = defineBucket({ name: 'capacity', value: Type.Unknown(), isPrivate: true })
