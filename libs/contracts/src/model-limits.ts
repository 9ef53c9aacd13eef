import { type Metric, PERIOD_MS, PERIODS, type Period } from './capacity.ts'
import type { DiscoveredLimit, LimitSource } from './discovery.ts'

/**
 * A provider's limit for a model in the terms of a connection's capacity, with what the provider last reported about
 * it.
 */
export interface ModelLimit {
  readonly model: string
  readonly period: Period
  readonly metric: Metric
  readonly limit: number
  /** The counted quantity, in the provider's word. */
  readonly dimension: string
  readonly remaining?: number
  /** When the whole limit is free again, Unix milliseconds. */
  readonly resetAtMs?: number
  /** When the response that reported it arrived, Unix milliseconds. */
  readonly seenAtMs: number
  /** The source of the last report; absent: the provider's responses. */
  readonly source?: LimitSource
}

/**
 * Returns the discovered limits that a connection's capacity can express, at most one for each model, period and
 * metric: the lowest.
 *
 * Excludes limits of an unknown period, other dimensions, and limits of 0, which the provider enforces itself.
 */
export function modelLimits(discovered: readonly DiscoveredLimit[]): ModelLimit[] {
  const lowest = new Map<string, ModelLimit>()
  for (const each of discovered) {
    const limit = asModelLimit(each)
    if (limit !== undefined) keepLowest(lowest, limit)
  }
  return [...lowest.values()]
}

function asModelLimit({ model, dimension, limit, ...reported }: DiscoveredLimit): ModelLimit | undefined {
  const metric = metricOf(dimension)
  const period = PERIODS.find((each) => PERIOD_MS[each] === reported.periodMs)
  if (metric === undefined || period === undefined || limit < 1 || limit > MAX_LIMIT) return undefined
  return {
    model,
    period,
    metric,
    limit,
    dimension,
    ...(reported.remaining === undefined ? {} : { remaining: reported.remaining }),
    ...(reported.resetAtMs === undefined ? {} : { resetAtMs: reported.resetAtMs }),
    seenAtMs: reported.lastSeenAtMs,
    ...(reported.source === undefined ? {} : { source: reported.source }),
  }
}

/**
 * `requests-per-day` and Mistral's `req-minute` count requests: some providers' words for a dimension have the period
 * in them.
 */
function metricOf(dimension: string): Metric | undefined {
  const kind = DIMENSION.exec(dimension)?.groups?.kind
  return kind === undefined ? undefined : METRIC_OF.get(kind)
}

const DIMENSION = new RegExp(`^(?<kind>[a-z-]+?)(?:-(?:per-)?(?:${PERIODS.join('|')}))?$`)

function keepLowest(lowest: Map<string, ModelLimit>, limit: ModelLimit): void {
  const other = lowest.get(keyOf(limit))
  if (other === undefined || limit.limit < other.limit) lowest.set(keyOf(limit), limit)
}

function keyOf({ model, period, metric }: ModelLimit): string {
  return `${period} ${metric} ${model}`
}

const METRIC_OF: ReadonlyMap<string, Metric> = new Map([
  ['requests', 'requests'],
  ['req', 'requests'],
  ['tokens', 'tokens'],
  ['input-tokens', 'inputTokens'],
  ['output-tokens', 'outputTokens'],
])
/** As much as a connection's capacity may be. */
const MAX_LIMIT = 1_000_000_000_000
