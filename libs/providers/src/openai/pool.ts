import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { resourcePool, tierPool } from '../wire/pool-name.ts'

/**
 * The pool of a request, by its service tier and by whether its prompt is a long one, for which some models have limits of their own. `auto`
 * is the project's tier, as is none; what `default` names may be another. `fast` is the newer name of `priority`.
 * @see https://platform.openai.com/docs/guides/flex-processing
 * @see https://platform.openai.com/docs/guides/rate-limits on long context
 */
export function openAiPool({ usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  return isRecord(body) ? tierPool(TIERS, body.service_tier) : ''
}

const TIERS = {
  default: 'default',
  fast: 'priority',
  flex: 'flex',
  priority: 'priority',
  scale: 'scale',
  ultrafast: 'ultrafast',
}
export const OPENAI_LONG_PROMPT_TOKENS = 128_000
