import type { DiscoveredLimit, LimitSource } from '../discovery/discovered.ts'
import { type Metric, PERIOD_MS, type Period } from './limits.ts'

/** What a provider holds one model to, in the terms of a connection's capacity, and what it last said of it. */
export interface ModelLimit {
  readonly model: string
  readonly period: Period
  readonly metric: Metric
  readonly limit: number
  /** What is counted, in the provider's word. */
  readonly dimension: string
  readonly remaining?: number
  /** When the whole limit is free again, Unix milliseconds. */
  readonly resetAtMs?: number
  /** When the answer that told it came, Unix milliseconds. */
  readonly seenAtMs: number
  /** Who told it last; absent: the provider's answers to requests. */
  readonly source?: LimitSource
}

/**
 * The discovered limits that a connection's capacity can express, at most one for each model, period and metric: the lowest.
 * `requests` and `tokens` count as such. Where a model has, for one period, no limit of tokens but one of input and one of
 * output tokens, both together are taken as one of their sum: nobody can use more without exceeding one of them. One
 * alone says nothing of the sum.
 *
 * Left out are limits of an unknown period, other dimensions, and limits of 0: who may send nothing is told so by the provider.
 */
export function modelLimits(discovered: readonly DiscoveredLimit[]): ModelLimit[] {
  const lowest = new Map<string, ModelLimit>()
  const halves = new Map<string, { input?: ModelLimit; output?: ModelLimit }>()
  for (const told of discovered) {
    const limit = asModelLimit(told)
    if (limit === undefined) continue
    const kind = kindOf(told.dimension)
    if (kind === 'input-tokens') halves.set(keyOf(limit), { ...halves.get(keyOf(limit)), input: limit })
    else if (kind === 'output-tokens') halves.set(keyOf(limit), { ...halves.get(keyOf(limit)), output: limit })
    else keepLowest(lowest, limit)
  }
  for (const [key, { input, output }] of halves) {
    if (input !== undefined && output !== undefined && !lowest.has(key)) lowest.set(key, sumOf(input, output))
  }
  return [...lowest.values()]
}

function asModelLimit({ model, dimension, limit, ...told }: DiscoveredLimit): ModelLimit | undefined {
  const kind = kindOf(dimension)
  const period = PERIODS.find((each) => PERIOD_MS[each] === told.periodMs)
  if (kind === undefined || period === undefined || limit < 1 || limit > MAX_LIMIT) return undefined
  return {
    model,
    period,
    metric: kind === 'requests' ? 'requests' : 'tokens',
    limit,
    dimension,
    ...(told.remaining === undefined ? {} : { remaining: told.remaining }),
    ...(told.resetAtMs === undefined ? {} : { resetAtMs: told.resetAtMs }),
    seenAtMs: told.lastSeenAtMs,
    ...(told.source === undefined ? {} : { source: told.source }),
  }
}

/** `requests-per-day` and Mistral's `req-minute` count requests: some providers' words for a dimension have the period in them. */
function kindOf(dimension: string): string | undefined {
  const kind = /^(requests|req|tokens|input-tokens|output-tokens)(?:-(?:per-)?(?:minute|hour|day))?$/.exec(
    dimension,
  )?.[1]
  return kind === 'req' ? 'requests' : kind
}

function keepLowest(lowest: Map<string, ModelLimit>, limit: ModelLimit): void {
  const other = lowest.get(keyOf(limit))
  if (other === undefined || limit.limit < other.limit) lowest.set(keyOf(limit), limit)
}

function keyOf({ model, period, metric }: ModelLimit): string {
  return `${period} ${metric} ${model}`
}

/** What remains of both is known as long as neither is free again. */
function sumOf(a: ModelLimit, b: ModelLimit): ModelLimit {
  const { remaining: _, resetAtMs: __, ...sum } = a
  const isRemainingKnown = a.remaining !== undefined && b.remaining !== undefined
  const resets = [a.resetAtMs, b.resetAtMs].filter((resetAtMs) => resetAtMs !== undefined)
  return {
    ...sum,
    limit: a.limit + b.limit,
    dimension: [a.dimension, b.dimension].sort().join(' + '),
    ...(isRemainingKnown ? { remaining: (a.remaining ?? 0) + (b.remaining ?? 0) } : {}),
    ...(resets.length === 0 ? {} : { resetAtMs: Math.min(...resets) }),
    seenAtMs: Math.min(a.seenAtMs, b.seenAtMs),
  }
}

const PERIODS: readonly Period[] = ['minute', 'hour', 'day']
/** As much as a connection's capacity may be. */
const MAX_LIMIT = 1_000_000_000_000
