import type { RateLimitReading } from '@sluice/contracts'
import type { WireHeaders } from '../provider-adapter.ts'
import { keepRateLimitHeaders, rateLimitReading, retryAfterOrResetMs } from '../wire/rate-limit-reading.ts'
import { parseCount, parseInstantMs, type ReportedNumber } from '../wire/told-number.ts'

/**
 * Anthropic's `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, and the same of
 * Priority Tier, whose dimensions begin with `priority-`. Resets are instants; limits are of a minute.
 * @see https://docs.claude.com/en/api/rate-limits#response-headers
 */
export function readAnthropicRateLimits(headers: WireHeaders, receivedAtMs: number): RateLimitReading[] {
  return [...limitsIn(headers)].flatMap(([prefix, dimension]) => {
    const limit = parseCount(headers, `${prefix}-limit`)
    const reading = rateLimitReading(dimension, {
      limit,
      remaining: notAbove(limit, parseCount(headers, `${prefix}-remaining`)),
      resetMs: parseInstantMs(headers, `${prefix}-reset`, receivedAtMs),
    })
    if (reading === undefined) return []
    return PER_MINUTE.test(dimension) ? { ...reading, periodMs: 60_000 } : reading
  })
}

/** The headers that may be kept in a response event. */
export function anthropicRateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined {
  return keepRateLimitHeaders(headers, (name) => LIMIT_HEADER.test(name))
}

/** What `retry-after` says; without it, when the limits that have nothing left are free again. */
export function anthropicRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  return retryAfterOrResetMs(headers, receivedAtMs, readAnthropicRateLimits(headers, receivedAtMs))
}

const LIMIT_HEADER = /^(anthropic-(?:ratelimit-(.+)|((?:priority|fast)-.+)))-(?:limit|remaining|reset)$/
const PER_MINUTE = /^(?:(?:priority|fast)-)?(?:requests|(?:input-|output-)?tokens)$/

/** The dimensions by what their headers' names begin with. */
function limitsIn(headers: WireHeaders): Map<string, string> {
  const limits = new Map<string, string>()
  for (const name of Object.keys(headers).sort()) {
    const [, prefix, dimension, tierDimension] = LIMIT_HEADER.exec(name) ?? []
    const found = dimension ?? tierDimension
    if (prefix !== undefined && found !== undefined) limits.set(prefix, found)
  }
  return limits
}

/** What remains of tokens is told to the nearest thousand, which may be above a limit that is no whole thousand. */
function notAbove(limit: ReportedNumber, remaining: ReportedNumber): ReportedNumber {
  if (typeof limit !== 'number' || typeof remaining !== 'number') return remaining
  return remaining > limit && remaining - limit <= MAX_ROUNDING ? limit : remaining
}

const MAX_ROUNDING = 500
