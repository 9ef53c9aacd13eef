import { type Cost, SPLIT_METRICS, sumOf } from '@sluice/contracts'

/** The tokens that a request reserves of its connection's capacity. */
export interface ReservedTokens extends Pick<Readonly<Cost>, 'tokens' | 'inputTokens' | 'outputTokens'> {
  /** The provider's expected count against its own limits; present if discovered limits are enforced. */
  readonly limited?: Cost
}

/** A cost, with what the provider counts of it against its own limits; if that is absent, the same. */
export interface CountedCost extends Cost {
  limited?: Cost
}

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
