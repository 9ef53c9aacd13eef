import type { RateLimitReading } from '@sluice/contracts'
import { resourcePool, tierPool } from '../limits.ts'
import type { Operation } from '../provider-adapter.ts'
import { readRetryAfterMs, type WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'
import { type ReportedNumber, rateLimitReading } from '../wire/rate-limit-headers.ts'
import { googleErrorDetails } from './errors.ts'

/**
 * Returns a request's pool: token counting, batches, and the tiers flex and priority have limits of their own. Prompts
 * above 200,000 tokens have a price of their own, and may have limits of their own.
 * @see https://ai.google.dev/gemini-api/docs/rate-limits
 * @see https://ai.google.dev/gemini-api/docs/optimization
 */
export function googlePool({ kind, usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  if (kind === 'count-tokens' || kind === 'batch') return kind
  const tier = isRecord(body) ? (body.serviceTier ?? body.service_tier) : undefined
  return tierPool(TIERS, tier)
}

/** Google's types spell each tier in two ways. */
const TIERS = { flex: 'flex', priority: 'priority', SERVICE_TIER_FLEX: 'flex', SERVICE_TIER_PRIORITY: 'priority' }

/** Prompts above this belong to a pool of their own. */
export const GOOGLE_LONG_PROMPT_TOKENS = 200_000

/**
 * Returns the quotas that a 429 reports as exceeded in its `QuotaFailure`. A quota's id contains what it counts and
 * its window, such as `GenerateRequestsPerMinutePerProjectPerModel-FreeTier`. A model has several of one kind: the
 * window is part of the dimension, here `requests-per-minute`; the tier is not, so that a change of tier is a change
 * of the limit.
 *
 * The readings do not state that nothing remains, because no later response would report that more does.
 * @see https://ai.google.dev/gemini-api/docs/rate-limits
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto on `QuotaFailure`
 */
export function googleQuotaFailures(body: Buffer): RateLimitReading[] {
  const violations = googleErrorDetails(body, 'QuotaFailure').flatMap(({ violations }) =>
    Array.isArray(violations) ? violations.filter(isRecord) : [],
  )
  const readings = new Map<string, RateLimitReading>()
  for (const { quotaId, quotaValue } of violations.slice(0, MAX_VIOLATIONS)) {
    const { dimension, periodMs } = quotaOf(quotaId)
    const limit = rateLimitReading(dimension, { limit: countOf(quotaValue) })
    const reading = { ...limit, dimension, ...(periodMs === undefined ? {} : { periodMs }) }
    readings.set(dimension, lower(readings.get(dimension), reading))
  }
  return [...readings.values()]
}

/** Returns the lower of two quotas of one kind, such as a tier's and the project's own. */
function lower(a: RateLimitReading | undefined, b: RateLimitReading): RateLimitReading {
  return a?.limit === undefined || (b.limit !== undefined && b.limit < a.limit) ? b : a
}

/** More than any model's number of quotas. */
const MAX_VIOLATIONS = 20

function quotaOf(quotaId: unknown): { readonly dimension: string; readonly periodMs?: number } {
  if (typeof quotaId !== 'string' || !QUOTA_ID.test(quotaId)) return { dimension: 'quota' }
  const [what = ''] = quotaId.split('Per', 1)
  const [counted] = COUNTED.exec(what) ?? [what]
  const [, window = ''] = WINDOW.exec(quotaId) ?? []
  const periodMs = PERIODS_MS.get(window)
  if (periodMs === undefined) return { dimension: kebabCase(counted) }
  return { dimension: `${kebabCase(counted)}-per-${kebabCase(window)}`, periodMs }
}

const QUOTA_ID = /^[A-Z][A-Za-z0-9_-]{0,99}$/
const COUNTED = /(?:Input|Output)?Tokens|Requests/
const WINDOW = /Per(Minute|Hour|Day)(?![a-z])/
const PERIODS_MS: ReadonlyMap<string, number> = new Map([
  ['Minute', 60_000],
  ['Hour', 3_600_000],
  ['Day', 86_400_000],
])

function kebabCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()
}

/** Reads an int64 of protocol buffers in JSON: decimal digits in a string, or a number. */
function countOf(value: unknown): ReportedNumber {
  if (value === undefined) return undefined
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 'unreadable'
}

/** Returns the wait from the headers, otherwise from the `RetryInfo` in the error's details. */
export function googleRetryAfterMs(headers: WireHeaders, receivedAtMs: number, body?: Buffer): number | undefined {
  return readRetryAfterMs(headers, receivedAtMs) ?? (body && retryDelayMs(body))
}

function retryDelayMs(body: Buffer): number | undefined {
  const [retryInfo] = googleErrorDetails(body, 'RetryInfo')
  return retryInfo && durationMs(retryInfo.retryDelay)
}

/** @see https://protobuf.dev/programming-guides/json/ on `Duration` */
function durationMs(duration: unknown): number | undefined {
  const [, seconds] = (typeof duration === 'string' && /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(duration)) || []
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1_000)
}
