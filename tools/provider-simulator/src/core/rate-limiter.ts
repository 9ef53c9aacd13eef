import { type Limit, type Limits, METRICS, type Metric, PERIOD_MS } from './limits.ts'
import { fullBucket, msUntilFull, refilled, remaining, type TokenBucket, take } from './token-bucket.ts'

/** What a request uses, aside from being one request. */
export interface TokenCounts {
  readonly inputTokens: number
  readonly outputTokens: number
}

/** How one limit stands; what a provider tells in its rate-limit headers. */
export interface LimitStatus extends Limit {
  /** Whole units left. */
  readonly remaining: number
  /** Milliseconds, with a fraction, until nothing of the limit is used any more. */
  readonly resetMs: number
}

export type LimitStatuses = { readonly [metric in Metric]?: LimitStatus }

/** Why a request was refused: the limit that takes longest to free up. */
export interface Denial extends LimitStatus {
  readonly metric: Metric
  readonly requested: number
  /** Milliseconds until the request fits; absent when it exceeds the whole limit and never will. */
  readonly waitMs?: number
}

export type Admission = { readonly status: 'admitted' } | { readonly status: 'denied'; readonly denial: Denial }

/** The buckets of one account for one model. All instants are Unix milliseconds. */
export interface RateLimiter {
  /** Charges one request and its tokens, or nothing at all if any limit has no room for them. */
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
  /** As it is once the request is charged; as it was if that is denied. */
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
