import { type Static, Type } from 'typebox'
import { fullBucket, msUntilFull, refilled, remaining, type TokenBucket, take } from './token-bucket.ts'

/** At most `limit` units in a `period`, as a token bucket: full at first, refilled evenly. */
export const Limit = Type.Object(
  {
    limit: Type.Integer({ minimum: 1 }),
    period: Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')]),
  },
  { additionalProperties: false },
)
export type Limit = Static<typeof Limit>

/** The limits of one account for one model. A metric that is absent has no limit and no headers. */
export const Limits = Type.Object(
  {
    requests: Type.Optional(Limit),
    /** Input and output together. */
    tokens: Type.Optional(Limit),
    inputTokens: Type.Optional(Limit),
    outputTokens: Type.Optional(Limit),
  },
  { additionalProperties: false },
)
export type Limits = Static<typeof Limits>

export type Metric = keyof Limits

const METRICS: readonly Metric[] = ['requests', 'tokens', 'inputTokens', 'outputTokens']

const PERIOD_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const satisfies Record<
  Limit['period'],
  number
>

/** The consumption of a request besides the request itself. */
export interface TokenCounts {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The state of one limit, as a provider reports it in its rate-limit headers. */
export interface LimitStatus extends Limit {
  /** Whole units. */
  readonly remaining: number
  /** Milliseconds, with a fraction, until the limit is completely free again. */
  readonly resetMs: number
}

export type LimitStatuses = { readonly [metric in Metric]?: LimitStatus }

/** The limit that a request exceeded; of several, the one that takes longest to refill. */
export interface Denial extends LimitStatus {
  readonly metric: Metric
  readonly requested: number
  /** Milliseconds until the request fits; absent when it exceeds the whole limit and never fits. */
  readonly waitMs?: number
}

type Admission = { readonly status: 'admitted' } | { readonly status: 'denied'; readonly denial: Denial }

/** The buckets of one account for one model. All instants are Unix milliseconds. */
export interface RateLimiter {
  /** Charges one request and its tokens, or nothing if any limit has no room for them. */
  admit(tokens: TokenCounts, nowMs: number): Admission
  statuses(nowMs: number): LimitStatuses
}

export function createRateLimiter(limits: Limits, createdAtMs: number): RateLimiter {
  const meters = METRICS.flatMap((metric) => meterOf(metric, limits[metric], createdAtMs) ?? [])

  return {
    admit(tokens, nowMs) {
      const attempts = meters.map((meter) => attempt(meter, tokens, nowMs))
      const denials = attempts.flatMap(({ denial }) => denial ?? [])
      if (denials.length > 0) return { status: 'denied', denial: denials.reduce(longerWait) }
      for (const { meter, bucket } of attempts) meter.bucket = bucket
      return { status: 'admitted' }
    },
    statuses(nowMs) {
      const statuses: { -readonly [metric in Metric]?: LimitStatus } = {}
      for (const meter of meters) statuses[meter.metric] = statusOf(meter, nowMs)
      return statuses
    },
  }
}

interface Meter {
  readonly metric: Metric
  readonly limit: Limit
  bucket: TokenBucket
}

function meterOf(metric: Metric, limit: Limit | undefined, nowMs: number): Meter | undefined {
  return limit && { metric, limit, bucket: fullBucket(limit.limit, PERIOD_MS[limit.period], nowMs) }
}

interface Attempt {
  readonly meter: Meter
  /** After the charge; unchanged if the request is denied. */
  readonly bucket: TokenBucket
  readonly denial?: Denial
}

function attempt(meter: Meter, tokens: TokenCounts, nowMs: number): Attempt {
  const { metric, bucket } = meter
  const requested = amountOf(metric, tokens)
  const result = take(bucket, requested, nowMs)
  if (result.status === 'taken') return { meter, bucket: result.bucket }
  const denial = { ...statusOf(meter, nowMs), metric, requested }
  return { meter, bucket, denial: { ...denial, ...(result.waitMs !== undefined && { waitMs: result.waitMs }) } }
}

function amountOf(metric: Metric, { inputTokens, outputTokens }: TokenCounts): number {
  switch (metric) {
    case 'requests':
      return 1
    case 'tokens':
      return inputTokens + outputTokens
    case 'inputTokens':
      return inputTokens
    case 'outputTokens':
      return outputTokens
  }
}

function statusOf({ limit, bucket }: Meter, nowMs: number): LimitStatus {
  const current = refilled(bucket, nowMs)
  return { limit: limit.limit, period: limit.period, remaining: remaining(current), resetMs: msUntilFull(current) }
}

function longerWait(a: Denial, b: Denial): Denial {
  return (b.waitMs ?? Number.POSITIVE_INFINITY) > (a.waitMs ?? Number.POSITIVE_INFINITY) ? b : a
}
