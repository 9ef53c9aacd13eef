import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { resourcePool, tierPool } from '../wire/pool-name.ts'

/**
 * The pool of a request, by its service tier. `on_demand` is what a request without one has; `auto` goes on to flex where that is used up.
 * @see https://console.groq.com/docs/service-tiers
 */
export function groqPool({ usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  return isRecord(body) ? tierPool(TIERS, body.service_tier) : ''
}

const TIERS = { auto: 'auto', flex: 'flex', performance: 'performance' }
