import { type LimitCounting, limitedTokens, poolName, tierPool, uncached } from '../limits.ts'
import type { Operation } from '../provider-adapter.ts'
import { headerValue, type WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'

/**
 * AWS holds the whole prompt and the output maximum against a quota of tokens when a request begins. In the end it has counted the input
 * that was not read from the cache (what was written to it counts), and each output token several times with some models: the burndown
 * rate.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
 */
export const bedrockLimitCounting: LimitCounting = {
  counted: (usage, model) => limitedTokens(uncached(usage), usage.outputTokens * burndownRate(model)),
  expected: ({ inputTokens, maxOutputTokens, outputTokens }, model) =>
    limitedTokens(inputTokens, Math.max(maxOutputTokens, outputTokens * burndownRate(model))),
  leastCounted: () => 0,
}

/**
 * Returns how many tokens of its quota an output token of the model takes: 5 with Anthropic's models, more with the newest, 1 with most
 * others.
 * @param model an id, also of an inference profile, or an ARN that ends with one
 */
export function burndownRate(model: string): number {
  for (const [models, rate] of RATES) if (models.test(model)) return rate
  return 1
}

/** The first that fits counts. Models of Anthropic's that came after the list are taken at the rate of its newest generation. */
const RATES: readonly (readonly [RegExp, number])[] = [
  [/anthropic\.claude-[a-z]+-4-8(?:\D|$)/, 15],
  // `claude-sonnet-4-5-20250929-v1:0`, `claude-opus-4-20250514-v1:0`, `claude-3-7-sonnet-20250219-v1:0`, `claude-v2:1`.
  [/anthropic\.claude-(?:instant|v\d|3-|[a-z]+-4-(?:[0-7](?:\D|$)|\d{8}))/, 5],
  [/anthropic\.claude-/, 10],
  [/openai\.gpt-5[.-]6-(?:sol|terra|luna)/, 10],
]

/**
 * The pool of a request: token counting, service tiers, latency-optimized inference and prompts of more than 200,000 tokens have quotas of
 * their own. `Converse` says them in its body, `InvokeModel` in headers or,
 * for models that have it, in `service_tier`. An inference profile needs no name here: it is the model of its path.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html
 */
export function bedrockPool({ kind }: Operation, body: unknown, headers: WireHeaders): string {
  if (kind === 'count-tokens') return kind
  const { serviceTier, service_tier, performanceConfig } = isRecord(body) ? body : {}
  const tier = isRecord(serviceTier) ? serviceTier.type : (service_tier ?? headerValue(headers, TIER_HEADER))
  const latency = isRecord(performanceConfig) ? performanceConfig.latency : headerValue(headers, LATENCY_HEADER)
  return poolName(tierPool(TIERS, tier), tierPool(LATENCIES, latency))
}

const TIERS = { flex: 'flex', priority: 'priority', reserved: 'reserved' }
const LATENCIES = { optimized: 'optimized' }
const TIER_HEADER = 'x-amzn-bedrock-service-tier'
const LATENCY_HEADER = 'x-amzn-bedrock-performanceconfig-latency'
export const BEDROCK_LONG_PROMPT_TOKENS = 200_000
