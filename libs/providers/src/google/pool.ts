import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { resourcePool, tierPool } from '../wire/pool-name.ts'

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
