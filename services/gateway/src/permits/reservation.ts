import type { Cost, Denied } from '@sluice/contracts'
import type { LimitedTokens } from '@sluice/providers'
import type { UsableConnection } from '../admission/connection.ts'
import { type CostEstimate, MAX_TOKENS } from '../estimate/estimate-cost.ts'
import type { ReservedTokens } from './counted-cost.ts'

/** The parts of a call that decide how much it reserves. */
export interface EstimatedCall {
  readonly connection: Pick<UsableConnection, 'settings' | 'adapter' | 'learned' | 'cachedShares' | 'countsParts'>
  readonly inspection: { readonly model: string; readonly outputs: number; readonly maxOutputTokens?: number }
  readonly estimate: CostEstimate
}

/** Returns what to reserve: the full estimate against configured limits, the expected count of the provider against discovered ones. */
export function reservedTokens(call: EstimatedCall): ReservedTokens {
  const { connection, estimate } = call
  const { tokens, promptTokens, outputTokens } = estimate
  const reserved = connection.countsParts ? { tokens, inputTokens: promptTokens, outputTokens } : { tokens }
  return connection.settings.enforceDiscovered === true
    ? { ...reserved, limited: expectedProviderCount(call) }
    : reserved
}

/** Returns what the provider is expected to count of the request against its own limits. */
function expectedProviderCount({ connection, inspection, estimate }: EstimatedCall): Cost {
  const { adapter, cachedShares, learned, settings } = connection
  const { model, outputs } = inspection
  // A provider that counts the maximum output counts the stated one, however little of it is reserved here.
  const stated = inspection.maxOutputTokens === undefined ? 0 : inspection.maxOutputTokens * outputs
  const maxOutputTokens = Math.min(MAX_TOKENS, Math.max(estimate.outputTokens, stated))
  const expectedOutput = (learned.of(model)?.output.tokens ?? settings.defaultMaxOutputTokens) * outputs
  const request = {
    inputTokens: estimate.promptTokens,
    cachedInputTokens: cachedShares.expectedOf(model, estimate.promptTokens),
    maxOutputTokens,
    outputTokens: Math.min(maxOutputTokens, expectedOutput),
  }
  return limitedCostOf(adapter.limitCounting.expected(request, model))
}

/** Returns the cost of one request by its provider's count, bounded to {@link MAX_TOKENS}. */
export function limitedCostOf({ tokens, inputTokens, outputTokens }: LimitedTokens): Cost {
  return {
    requests: 1,
    tokens: bounded(tokens),
    inputTokens: bounded(inputTokens),
    outputTokens: bounded(outputTokens),
  }
}

/**
 * Returns a smaller reservation for a request that seems to exceed a provider's whole limit although the provider may count less of it
 * (cached input, a short output): a quarter of the limit, or the least that the provider counts in any case. The whole limit would never be
 * free while smaller requests arrive. Undefined if the request cannot fit.
 */
export function reservedWithin(
  reserved: ReservedTokens,
  denied: Denied,
  { limitCounting }: UsableConnection['adapter'],
): ReservedTokens | undefined {
  const { limited } = reserved
  if (denied.code !== 'request_exceeds_capacity' || denied.model === undefined || denied.metric === 'requests') return
  if (limited === undefined) return
  const { tokens, inputTokens = tokens, outputTokens = 0 } = limited
  const least = limitCounting.leastCounted({ tokens, inputTokens, outputTokens }, denied.metric)
  if (least > denied.limit) return
  const tried = Math.max(least, Math.ceil(denied.limit * TRIED_PART))
  return { ...reserved, limited: { ...limited, [denied.metric]: tried } }
}

/** Part of a limit. Smaller requests keep a window in use, but seldom more than three quarters of it all the time. */
const TRIED_PART = 0.25

function bounded(tokens: number): number {
  return Math.min(MAX_TOKENS, tokens)
}
