import { type Cost, type Denied, SPLIT_METRICS, sumOf } from '@sluice/contracts'
import type { LimitedTokens } from '@sluice/providers'
import type { UsableConnection } from '../admission/connection.ts'
import { type CostEstimate, MAX_TOKENS } from '../estimate/estimate-cost.ts'

/** The tokens that a request takes of its connection's capacity. */
export interface ReservedTokens extends Pick<Readonly<Cost>, 'tokens' | 'inputTokens' | 'outputTokens'> {
  /** What the provider is expected to count of the request against its own limits; there where discovered limits are held. */
  readonly limited?: Cost
}

/** A cost, and what of it the provider counts; the same where that is absent. */
export interface CountedCost extends Cost {
  limited?: Cost
}

/** A request with its estimate, as far as what it reserves depends on it. */
export interface EstimatedCall {
  readonly connection: Pick<UsableConnection, 'settings' | 'adapter' | 'learned' | 'cachedShares' | 'countsParts'>
  readonly inspection: { readonly model: string; readonly outputs: number; readonly maxOutputTokens?: number }
  readonly estimate: CostEstimate
}

/** Returns what to ask capacity for: configured limits get the estimate in full, discovered ones what the provider will count. */
export function reservedTokens(call: EstimatedCall): ReservedTokens {
  const { connection, estimate } = call
  const { tokens, promptTokens, outputTokens } = estimate
  const reserved = connection.countsParts ? { tokens, inputTokens: promptTokens, outputTokens } : { tokens }
  return connection.settings.enforceDiscovered === true ? { ...reserved, limited: expectedCost(call) } : reserved
}

function expectedCost({ connection, inspection, estimate }: EstimatedCall): Cost {
  const { adapter, cachedShares, learned, settings } = connection
  const { model, outputs } = inspection
  // Providers that count a maximum count the one that was stated, however little of it is reserved here.
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

/** Returns the cost of one request by its provider's count, within what a cost may be. */
export function limitedCostOf({ tokens, inputTokens, outputTokens }: LimitedTokens): Cost {
  return {
    requests: 1,
    tokens: bounded(tokens),
    inputTokens: bounded(inputTokens),
    outputTokens: bounded(outputTokens),
  }
}

/**
 * Returns what to reserve instead where a request seems larger than a whole limit of its provider's, although the provider may count less
 * (cached input, output that does not come): a quarter of that limit, or what the provider counts in any case, if that is more. All of the
 * limit would never be free while smaller requests come. Undefined where waiting and trying would not help.
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

/** Of a limit. Smaller requests keep a window in use, but seldom three quarters of it all the time. */
const TRIED_PART = 0.25

/** Returns the whole cost of one request with these tokens. */
export function countedCost({ tokens, inputTokens, outputTokens, limited }: ReservedTokens): CountedCost {
  const cost: CountedCost = { requests: 1, tokens }
  if (inputTokens !== undefined) cost.inputTokens = inputTokens
  if (outputTokens !== undefined) cost.outputTokens = outputTokens
  if (limited !== undefined) cost.limited = limited
  return cost
}

export function sumOfCounted(a: CountedCost, b: CountedCost): CountedCost {
  const sum: CountedCost = sumOf(a, b)
  if (a.limited !== undefined || b.limited !== undefined) sum.limited = sumOf(a.limited ?? a, b.limited ?? b)
  return sum
}

/** Returns `a` without `b`, which was added to it before. */
export function differenceOfCounted(a: CountedCost, b: CountedCost): CountedCost {
  const rest: CountedCost = differenceOf(a, b)
  if (a.limited !== undefined) rest.limited = differenceOf(a.limited, b.limited ?? b)
  return rest
}

/** Returns the part `numerator / denominator` of a cost, in whole numbers at least as large. */
export function partOfCounted({ limited, ...cost }: CountedCost, numerator: number, denominator: number): CountedCost {
  const part: CountedCost = scaled(cost, numerator, denominator)
  if (limited !== undefined) part.limited = scaled(limited, numerator, denominator)
  return part
}

function differenceOf(a: Cost, b: Cost): Cost {
  const rest: Cost = { requests: a.requests - b.requests, tokens: a.tokens - b.tokens }
  for (const metric of SPLIT_METRICS) {
    const amount = a[metric]
    if (amount !== undefined) rest[metric] = amount - (b[metric] ?? b.tokens)
  }
  return rest
}

function scaled(cost: Cost, numerator: number, denominator: number): Cost {
  const scale = (amount: number) => Math.ceil((amount * numerator) / denominator)
  const part: Cost = { requests: scale(cost.requests), tokens: scale(cost.tokens) }
  for (const metric of SPLIT_METRICS) {
    const amount = cost[metric]
    if (amount !== undefined) part[metric] = scale(amount)
  }
  return part
}

function bounded(tokens: number): number {
  return Math.min(MAX_TOKENS, tokens)
}
