import {
  type CapacityLimit,
  type DiscoveredLimit,
  METRICS,
  type Metric,
  type ModelLimit,
  modelLimits,
  PERIOD_MS,
} from '@sluice/contracts'

/** A limit that is configured above what the provider was found to hold one model to. */
export interface CapacityDrift extends Pick<ModelLimit, 'model' | 'dimension' | 'period'> {
  readonly configured: number
  readonly discovered: number
}

/**
 * Returns where the configured capacity promises more than the provider gives. What is not limited, or off, promises nothing. Tokens of
 * which the provider limits input and output apart are held to both together, and input or output to what it limits together.
 */
export function driftOf(capacity: readonly CapacityLimit[], discovered: readonly DiscoveredLimit[]): CapacityDrift[] {
  const limits = modelLimits(discovered)
  return [...limits, ...sumsOfParts(limits)].flatMap((limit) => {
    const entry = capacity.find((each) => each.period === limit.period && each.enabled !== false)
    const { model, dimension, period } = limit
    return METRICS_HELD[limit.metric].flatMap((metric) => {
      const configured = entry?.[metric]
      return configured !== undefined && configured > limit.limit
        ? [{ model, dimension, period, configured, discovered: limit.limit }]
        : []
    })
  })
}

/** What of the configured capacity a limit holds. */
const METRICS_HELD: Readonly<Record<Metric, readonly Metric[]>> = {
  requests: ['requests'],
  tokens: ['tokens', 'inputTokens', 'outputTokens'],
  inputTokens: ['inputTokens'],
  outputTokens: ['outputTokens'],
}

/** The limits on all tokens that come of those on input and output, where there is none on all of them. */
function sumsOfParts(limits: readonly ModelLimit[]): ModelLimit[] {
  return limits.flatMap((input) => {
    if (input.metric !== 'inputTokens') return []
    const isBeside = ({ model, period }: ModelLimit) => model === input.model && period === input.period
    const output = limits.find((other) => other.metric === 'outputTokens' && isBeside(other))
    if (output === undefined || limits.some((other) => other.metric === 'tokens' && isBeside(other))) return []
    const dimension = `${input.dimension} + ${output.dimension}`
    return [{ ...input, metric: 'tokens' as const, dimension, limit: input.limit + output.limit }]
  })
}

/**
 * The capacity with every limit that was discovered in the place of what was configured for that period and metric. As a
 * connection's capacity is shared by its models and a discovered limit is one model's, the smallest over the models is taken. What
 * was not discovered stays, but what is off does not come on. Undefined where nothing was discovered that a capacity can express.
 * @param model the only one to go by; absent: all
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
  const told = limits.filter((limit) => limit.metric === metric).map(({ limit }) => limit)
  return told.length === 0 ? {} : { [metric]: Math.min(...told) }
}
