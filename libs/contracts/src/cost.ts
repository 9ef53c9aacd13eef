import { type Static, Type } from 'typebox'
import { type Metric, SPLIT_METRICS } from './capacity.ts'

/** The most requests or tokens that a cost may have. */
export const MAX_COUNT = 1_000_000_000_000

/** A number of requests or tokens. */
export const Count = Type.Integer({ minimum: 0, maximum: MAX_COUNT })

/**
 * The cost of a request: a number of requests (one) and of tokens. If input and output are not separate, each may be
 * all of `tokens`: see {@link amountOf}.
 */
export type Cost = Static<typeof Cost>
export const Cost = Type.Object({
  requests: Count,
  tokens: Count,
  inputTokens: Type.Optional(Count),
  outputTokens: Type.Optional(Count),
})

/** The cost of nothing. */
export const NO_COST: Cost = Object.freeze({ requests: 0, tokens: 0 })

/**
 * Returns what the cost uses of a limit of `metric`. Tokens without separate input and output count fully toward each,
 * so that an unknown split never exceeds the limit of a part.
 */
export function amountOf(cost: Cost, metric: Metric): number {
  return cost[metric] ?? cost.tokens
}

/** Returns whether input or output is separate, which is rare: code that runs for each permit checks this first. */
function isSplit(cost: Cost): boolean {
  return cost.inputTokens !== undefined || cost.outputTokens !== undefined
}

/** Adds two costs; the sum has separate parts if either cost has. */
export function sumOf(a: Cost, b: Cost): Cost {
  const sum: Cost = { requests: a.requests + b.requests, tokens: a.tokens + b.tokens }
  for (const metric of SPLIT_METRICS) {
    if (a[metric] !== undefined || b[metric] !== undefined) sum[metric] = amountOf(a, metric) + amountOf(b, metric)
  }
  return sum
}

/** Adds a cost to a sum in place, to add up very many. */
export function addCost(sum: Cost, cost: Cost): void {
  if (isSplit(sum) || isSplit(cost)) {
    for (const metric of SPLIT_METRICS) {
      if (sum[metric] === undefined && cost[metric] === undefined) continue
      sum[metric] = amountOf(sum, metric) + amountOf(cost, metric)
    }
  }
  sum.requests += cost.requests
  sum.tokens += cost.tokens
}

/** Returns whether `a` exceeds `b` in any metric. */
export function exceeds(a: Cost, b: Cost): boolean {
  if (a.requests > b.requests || a.tokens > b.tokens) return true
  if (!isSplit(a) && !isSplit(b)) return false
  for (const metric of SPLIT_METRICS) if (amountOf(a, metric) > amountOf(b, metric)) return true
  return false
}

/** Returns by how much `a` exceeds `b` in each metric; undefined where it exceeds it in none. */
export function excessOf(a: Cost, b: Cost): Cost | undefined {
  if (!exceeds(a, b)) return undefined
  const excess: Cost = { requests: Math.max(0, a.requests - b.requests), tokens: Math.max(0, a.tokens - b.tokens) }
  for (const metric of SPLIT_METRICS) {
    if (a[metric] === undefined && b[metric] === undefined) continue
    excess[metric] = Math.max(0, amountOf(a, metric) - amountOf(b, metric))
  }
  return excess
}

/** Returns whether the cost is zero in every metric. */
export function isNothing(cost: Cost): boolean {
  if (cost.requests !== 0 || cost.tokens !== 0) return false
  if (!isSplit(cost)) return true
  for (const metric of SPLIT_METRICS) if (amountOf(cost, metric) !== 0) return false
  return true
}

/** Returns only the cost of an acquire or a slot. */
export function costOf(from: Cost): Cost {
  const cost: Cost = { requests: from.requests, tokens: from.tokens }
  if (!isSplit(from)) return cost
  for (const metric of SPLIT_METRICS) {
    const amount = from[metric]
    if (amount !== undefined) cost[metric] = amount
  }
  return cost
}
