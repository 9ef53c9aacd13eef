import { type Limit, type Limits, type Metric, PERIOD_MS } from './limits.ts'
import { fullBucket, msUntilFull, refilled, remaining, type TokenBucket, take } from './token-bucket.ts'

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
  /** Charges one request and `tokens` tokens, or nothing at all if either does not fit. */
  admit(tokens: number, nowMs: number): Admission
  statuses(nowMs: number): LimitStatuses
}

export function createRateLimiter(limits: Limits, createdAtMs: number): RateLimiter {
  let requests = bucketOf(limits.requests, createdAtMs)
  let tokens = bucketOf(limits.tokens, createdAtMs)

  return {
    admit(amount, nowMs) {
      const ofRequests = requests && take(requests, 1, nowMs)
      const ofTokens = tokens && take(tokens, amount, nowMs)
      if (ofRequests?.status !== 'denied' && ofTokens?.status !== 'denied') {
        requests = ofRequests?.bucket
        tokens = ofTokens?.bucket
        return { status: 'admitted' }
      }
      const denials = [
        denialOf('requests', limits.requests, requests, ofRequests, 1, nowMs),
        denialOf('tokens', limits.tokens, tokens, ofTokens, amount, nowMs),
      ]
      const denial = denials.flatMap((candidate) => candidate ?? []).reduce(longerWait)
      return { status: 'denied', denial }
    },
    statuses(nowMs) {
      const ofRequests = statusOf(limits.requests, requests, nowMs)
      const ofTokens = statusOf(limits.tokens, tokens, nowMs)
      return { ...(ofRequests && { requests: ofRequests }), ...(ofTokens && { tokens: ofTokens }) }
    },
  }
}

function bucketOf(limit: Limit | undefined, nowMs: number): TokenBucket | undefined {
  return limit && fullBucket(limit.limit, PERIOD_MS[limit.period], nowMs)
}

function statusOf(limit: Limit | undefined, bucket: TokenBucket | undefined, nowMs: number): LimitStatus | undefined {
  if (limit === undefined || bucket === undefined) return undefined
  const current = refilled(bucket, nowMs)
  return { limit: limit.limit, period: limit.period, remaining: remaining(current), resetMs: msUntilFull(current) }
}

function denialOf(
  metric: Metric,
  limit: Limit | undefined,
  bucket: TokenBucket | undefined,
  result: ReturnType<typeof take> | undefined,
  requested: number,
  nowMs: number,
): Denial | undefined {
  const status = statusOf(limit, bucket, nowMs)
  if (status === undefined || result?.status !== 'denied') return undefined
  return { ...status, metric, requested, ...(result.waitMs !== undefined && { waitMs: result.waitMs }) }
}

function longerWait(a: Denial, b: Denial): Denial {
  return (b.waitMs ?? Number.POSITIVE_INFINITY) > (a.waitMs ?? Number.POSITIVE_INFINITY) ? b : a
}
