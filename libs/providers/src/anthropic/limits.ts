import type { RateLimitReading } from '@sluice/contracts'
import { type LimitCounting, limitedTokens, poolName, resourcePool, uncached } from '../limits.ts'
import type { Operation } from '../provider-adapter.ts'
import type { WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'
import {
  keepRateLimitHeaders,
  parseCount,
  parseInstantMs,
  type ReportedNumber,
  rateLimitReading,
  retryAfterOrResetMs,
} from '../wire/rate-limit-headers.ts'

/**
 * Anthropic limits input and output apart. What is read from the cache counts toward no limit, except with models before Claude 3.7 (marked
 * in its table of limits); what is written to it counts. Output counts as it is generated: `max_tokens` counts for nothing.
 * @see https://docs.claude.com/en/api/rate-limits#cache-aware-itpm
 */
export const anthropicLimitCounting: LimitCounting = {
  counted: (usage, model) => limitedTokens(inputOf(usage, model), usage.outputTokens),
  expected: (request, model) => limitedTokens(inputOf(request, model), request.outputTokens),
  leastCounted: () => 0,
}

function inputOf(tokens: { readonly inputTokens: number; readonly cachedInputTokens: number }, model: string): number {
  return COUNTS_CACHE_READS.test(model) ? tokens.inputTokens : uncached(tokens)
}

/** `claude-3-haiku-20240307`, `claude-3-5-haiku-latest`, `claude-2.1`; not `claude-3-7-sonnet-20250219`. */
const COUNTS_CACHE_READS = /^claude-(?:instant|2|3-(?!7(?:\D|$)))/

/**
 * The pool of a request: token counting, batches, fast mode and prompts of more than 200,000 tokens have limits of their own. A request that
 * is `standard_only` may be refused while one without that is served from a priority commitment.
 * @see https://docs.claude.com/en/api/rate-limits
 * @see https://docs.claude.com/en/api/service-tiers
 */
export function anthropicPool({ kind, usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  if (kind === 'count-tokens' || kind === 'batch') return kind
  if (!isRecord(body)) return ''
  return poolName(body.service_tier === 'standard_only' && 'standard_only', body.speed === 'fast' && 'fast')
}

export const ANTHROPIC_LONG_PROMPT_TOKENS = 200_000

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
