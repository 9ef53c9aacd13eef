import type { Operation, WireHeaders } from '../provider-adapter.ts'
import { headerValue } from '../wire/header-value.ts'
import { isRecord } from '../wire/is-record.ts'
import { poolName, tierPool } from '../wire/pool-name.ts'

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
