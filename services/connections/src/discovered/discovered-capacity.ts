import {
  type CapacityLimit,
  type DiscoveredLimit,
  METRICS,
  type Metric,
  type ModelLimit,
  modelLimits,
  PERIOD_MS,
} from '@sluice/contracts'

/** A configured limit that is above the discovered limit of one model. */
export interface CapacityDrift extends Pick<ModelLimit, 'model' | 'dimension' | 'period'> {
  readonly configured: number
  readonly discovered: number
}

/**
 * Returns where the configured capacity is above the provider's limits; limits that are absent or disabled are not.
 * Where the provider limits input and output tokens separately, a configured limit on all tokens is compared with
 * their sum; where it limits all tokens, configured limits on input or output are compared with that.
 */
export function driftOf(capacity: readonly CapacityLimit[], discovered: readonly DiscoveredLimit[]): CapacityDrift[] {
  const limits = modelLimits(discovered)
  return [...limits, ...sumsOfParts(limits)].flatMap((limit) => {
    const entry = capacity.find((each) => each.period === limit.period && each.enabled !== false)
    const { model, dimension, period } = limit
    return BOUNDED_METRICS[limit.metric].flatMap((metric) => {
      const configured = entry?.[metric]
      return configured !== undefined && configured > limit.limit
        ? [{ model, dimension, period, configured, discovered: limit.limit }]
        : []
    })
  })
}

/** The configured metrics that a discovered limit bounds. */
const BOUNDED_METRICS: Readonly<Record<Metric, readonly Metric[]>> = {
  requests: ['requests'],
  tokens: ['tokens', 'inputTokens', 'outputTokens'],
  inputTokens: ['inputTokens'],
  outputTokens: ['outputTokens'],
}

/** Returns the limits on all tokens that follow from those on input and output, where there is none on all tokens. */
function sumsOfParts(limits: readonly ModelLimit[]): ModelLimit[] {
  return limits.flatMap((input) => {
    if (input.metric !== 'inputTokens') return []
    const isSameWindow = ({ model, period }: ModelLimit) => model === input.model && period === input.period
    const output = limits.find((other) => other.metric === 'outputTokens' && isSameWindow(other))
    if (output === undefined || limits.some((other) => other.metric === 'tokens' && isSameWindow(other))) return []
    const dimension = `${input.dimension} + ${output.dimension}`
    return [{ ...input, metric: 'tokens' as const, dimension, limit: input.limit + output.limit }]
  })
}

/**
 * Returns the capacity with each discovered limit in place of the configured one of its period and metric. A
 * connection's capacity is shared by its models and a discovered limit belongs to one model, so the smallest over the
 * models is taken. Other limits stay, but those of a disabled period are dropped. Returns undefined when no limit was
 * discovered that a capacity can express.
 * @param model whose limits to take; absent: all models
 */
export function capacityFrom(
  capacity: readonly CapacityLimit[],
  discovered: readonly DiscoveredLimit[],
  model?: string,
): CapacityLimit[] | undefined {
  const limits = modelLimits(discovered).filter((limit) => model === undefined || limit.model === model)
  if (limits.length === 0) return undefined
  const entries = new Map(capacity.map((entry) => [entry.period, entry]))
  for (const period of new Set(limits.map((limit) => limit.period))) {
    const before = entries.get(period)
    const kept = before === undefined || before.enabled === false ? { period } : before
    const ofPeriod = limits.filter((limit) => limit.period === period)
    entries.set(period, Object.assign({ ...kept }, ...METRICS.map((metric) => smallest(ofPeriod, metric))))
  }
  return [...entries.values()].sort((a, b) => PERIOD_MS[a.period] - PERIOD_MS[b.period])
}

function smallest(limits: readonly ModelLimit[], metric: ModelLimit['metric']): Partial<CapacityLimit> {
  const values = limits.filter((limit) => limit.metric === metric).map(({ limit }) => limit)
  return values.length === 0 ? {} : { [metric]: Math.min(...values) }
}
