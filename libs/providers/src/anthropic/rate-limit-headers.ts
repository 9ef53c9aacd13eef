import type { RateLimitReading, WireHeaders } from '../provider-adapter.ts'
import { countHeader, headerValue } from '../wire/header-value.ts'
import { keepRateLimitHeaders, rateLimitReading, retryAfterOrResetMs } from '../wire/rate-limit-reading.ts'
import { parseRfc3339 } from '../wire/rfc3339.ts'

/**
 * Anthropic's `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, and the same of
 * Priority Tier, whose dimensions begin with `priority-`. Resets are instants; limits are of a minute.
 * @see https://docs.claude.com/en/api/rate-limits#response-headers
 */
export function readAnthropicRateLimits(headers: WireHeaders, receivedAtMs: number): RateLimitReading[] {
  return [...limitsIn(headers)].flatMap(([prefix, dimension]) => {
    const reading = rateLimitReading(
      dimension,
      countHeader(headers, `${prefix}-limit`),
      countHeader(headers, `${prefix}-remaining`),
      resetOf(headers, `${prefix}-reset`, receivedAtMs),
    )
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

function resetOf(headers: WireHeaders, name: string, receivedAtMs: number): number | undefined {
  const text = headerValue(headers, name)
  const atMs = text === undefined ? undefined : parseRfc3339(text)
  return atMs === undefined ? undefined : Math.max(0, atMs - receivedAtMs)
}
