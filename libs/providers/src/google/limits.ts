import type { RateLimitReading } from '@sluice/contracts'
import { resourcePool, tierPool } from '../limits.ts'
import type { Operation } from '../provider-adapter.ts'
import { readRetryAfterMs, type WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'
import { type ReportedNumber, rateLimitReading } from '../wire/rate-limit-headers.ts'
import { googleErrorDetails } from './errors.ts'

/**
 * The pool of a request: token counting, batches, and the tiers flex and priority have limits of their own; prompts of more than 200,000
 * tokens have a price of their own, and may have limits.
 * @see https://ai.google.dev/gemini-api/docs/rate-limits
 * @see https://ai.google.dev/gemini-api/docs/optimization
 */
export function googlePool({ kind, usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  if (kind === 'count-tokens' || kind === 'batch') return kind
  const tier = isRecord(body) ? (body.serviceTier ?? body.service_tier) : undefined
  return tierPool(TIERS, tier)
}

/** Its types have two spellings of each. */
const TIERS = { flex: 'flex', priority: 'priority', SERVICE_TIER_FLEX: 'flex', SERVICE_TIER_PRIORITY: 'priority' }
export const GOOGLE_LONG_PROMPT_TOKENS = 200_000

/**
 * The quotas that a 429's `QuotaFailure` says were exceeded. A quota's id names what it counts and its window, as
 * `GenerateRequestsPerMinutePerProjectPerModel-FreeTier`, and a model has several of one kind: the window is part of the
 * dimension, here `requests-per-minute`, and the tier is not, so that a change of tier is a change of the limit.
 *
 * What remains is not read from it: it will not be told again when it is more.
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
    const told = rateLimitReading(dimension, { limit: countOf(quotaValue) })
    const reading = { ...told, dimension, ...(periodMs === undefined ? {} : { periodMs }) }
    readings.set(dimension, lower(readings.get(dimension), reading))
  }
  return [...readings.values()]
}

/** Of two quotas of one kind, such as a tier's and the project's own, the one that is met first. */
function lower(a: RateLimitReading | undefined, b: RateLimitReading): RateLimitReading {
  return a?.limit === undefined || (b.limit !== undefined && b.limit < a.limit) ? b : a
}

/** More than a model has quotas. */
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

/** An int64 of protocol buffers in JSON: its decimal digits in a string, or a number. */
function countOf(value: unknown): ReportedNumber {
  if (value === undefined) return undefined
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 'unreadable'
}

/** What the headers say, and otherwise the `RetryInfo` in the details of the error that `body` is. */
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
