import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { poolName, resourcePool } from '../wire/pool-name.ts'

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
