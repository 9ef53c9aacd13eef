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
 * Anthropic limits input and output separately. Input read from the cache counts toward no limit, except with models
 * before Claude 3.7 (marked in its table of limits); input written to the cache counts. Output counts as it is
 * generated, regardless of `max_tokens`.
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
 * Returns a request's pool: token counting, batches, fast mode and prompts above 200,000 tokens have limits of their
 * own. A `standard_only` request may be refused while others are served from a priority commitment.
 * @see https://docs.claude.com/en/api/rate-limits
 * @see https://docs.claude.com/en/api/service-tiers
 */
export function anthropicPool({ kind, usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  if (kind === 'count-tokens' || kind === 'batch') return kind
  if (!isRecord(body)) return ''
  return poolName(body.service_tier === 'standard_only' && 'standard_only', body.speed === 'fast' && 'fast')
}

/** Prompts above this belong to a pool of their own. */
export const ANTHROPIC_LONG_PROMPT_TOKENS = 200_000

/**
 * Reads `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, and those of
 * Priority Tier and fast mode, whose names begin with `anthropic-priority-` and `anthropic-fast-`. Resets are instants;
 * limits are per minute.
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

/** Returns the headers that a response event may contain. */
export function anthropicRateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined {
  return keepRateLimitHeaders(headers, (name) => LIMIT_HEADER.test(name))
}

/** Returns the wait from `retry-after`, otherwise until the exhausted limits reset. */
export function anthropicRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  return retryAfterOrResetMs(headers, receivedAtMs, readAnthropicRateLimits(headers, receivedAtMs))
}

const LIMIT_HEADER = /^(anthropic-(?:ratelimit-(.+)|((?:priority|fast)-.+)))-(?:limit|remaining|reset)$/
const PER_MINUTE = /^(?:(?:priority|fast)-)?(?:requests|(?:input-|output-)?tokens)$/

/** Returns the dimensions by the prefix of their headers' names. */
function limitsIn(headers: WireHeaders): Map<string, string> {
  const limits = new Map<string, string>()
  for (const name of Object.keys(headers).sort()) {
    const [, prefix, dimension, tierDimension] = LIMIT_HEADER.exec(name) ?? []
    const found = dimension ?? tierDimension
    if (prefix !== undefined && found !== undefined) limits.set(prefix, found)
  }
  return limits
}

/** Anthropic rounds remaining tokens to the nearest thousand, possibly above a limit that is not a whole thousand. */
function notAbove(limit: ReportedNumber, remaining: ReportedNumber): ReportedNumber {
  if (typeof limit !== 'number' || typeof remaining !== 'number') return remaining
  return remaining > limit && remaining - limit <= MAX_ROUNDING ? limit : remaining
}

const MAX_ROUNDING = 500
