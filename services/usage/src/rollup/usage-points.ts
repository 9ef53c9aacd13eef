import type { Percentiles, UsagePoint } from '@sluice/contracts'
import { costUsd, type PriceList, priceOf } from '../prices/price-list.ts'
import { type Histogram, percentileMs } from './histogram.ts'

/** The stored usage for a query: counts in the detail that the points are made of, histograms by point. */
export interface UsageCells {
  /** The step that the times are multiples of: as requested, or longer where only longer rollups are stored. */
  readonly stepMs: number
  /** By time and group. */
  readonly counts: readonly CountCell[]
  readonly histograms: readonly HistogramCell[]
}

export interface CountCell {
  /** The start of the step, Unix milliseconds. */
  readonly fromMs: number
  /** The value grouped by; undefined for a query without grouping. */
  readonly group: string | undefined
  readonly provider: string
  readonly model: string
  readonly outcome: string
  /** Empty for outcomes other than `denied`. */
  readonly deniedBy: string
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteInputTokens: number
  readonly reasoningTokens: number
  readonly unreadRequests: number
}

export interface HistogramCell {
  readonly fromMs: number
  readonly group: string | undefined
  readonly latency: Histogram
  readonly timeToFirstToken: Histogram
}

/** Returns the points that the cells add up to, by time and group, with the cost of the models that have a price. */
export function usagePoints({ counts, histograms }: UsageCells, prices: PriceList): UsagePoint[] {
  const points = new Map<string, Sums>()
  for (const cell of counts) {
    const key = pointKey(cell)
    const sums = points.get(key) ?? noSums(cell)
    points.set(key, sums)
    add(sums, cell, prices)
  }
  for (const cell of histograms) {
    const sums = points.get(pointKey(cell))
    if (sums !== undefined) Object.assign(sums.point, percentilesOf(cell))
  }
  return Array.from(points.values(), toPoint)
}

interface Sums {
  readonly point: UsagePoint
  cacheWriteInputTokens: number
  unreadRequests: number
  costUsd: number
  pricedTokens: number
  unpricedTokens: number
}

function pointKey({ fromMs, group }: Pick<CountCell, 'fromMs' | 'group'>): string {
  return `${fromMs}\0${group ?? ''}`
}

function noSums({ fromMs, group }: CountCell): Sums {
  const point: UsagePoint = {
    fromMs,
    ...(group === undefined ? {} : { group }),
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    outcomes: {},
    deniedBy: {},
  }
  return { point, cacheWriteInputTokens: 0, unreadRequests: 0, costUsd: 0, pricedTokens: 0, unpricedTokens: 0 }
}

function add(sums: Sums, cell: CountCell, prices: PriceList): void {
  const { point } = sums
  point.requests += cell.requests
  point.inputTokens += cell.inputTokens
  point.outputTokens += cell.outputTokens
  point.cachedInputTokens += cell.cachedInputTokens
  sums.cacheWriteInputTokens += cell.cacheWriteInputTokens
  point.reasoningTokens += cell.reasoningTokens
  sums.unreadRequests += cell.unreadRequests
  point.outcomes[cell.outcome] = (point.outcomes[cell.outcome] ?? 0) + cell.requests
  if (cell.deniedBy !== '') point.deniedBy[cell.deniedBy] = (point.deniedBy[cell.deniedBy] ?? 0) + cell.requests
  const tokens = cell.inputTokens + cell.outputTokens
  const price = priceOf(prices, cell.provider, cell.model)
  if (price === undefined) {
    sums.unpricedTokens += tokens
  } else {
    sums.pricedTokens += tokens
    sums.costUsd += costUsd(price, cell)
  }
}

function toPoint({ point, ...sums }: Sums): UsagePoint {
  const { cacheWriteInputTokens, unreadRequests, costUsd: estimatedCostUsd, pricedTokens, unpricedTokens } = sums
  return {
    ...point,
    ...(cacheWriteInputTokens === 0 ? {} : { cacheWriteInputTokens }),
    ...(unreadRequests === 0 ? {} : { unreadRequests }),
    ...(pricedTokens === 0 ? {} : { estimatedCostUsd }),
    ...(unpricedTokens === 0 ? {} : { unpricedTokens }),
  }
}

function percentilesOf({ latency, timeToFirstToken }: HistogramCell): Partial<UsagePoint> {
  const [latencyMs, timeToFirstTokenMs] = [percentiles(latency), percentiles(timeToFirstToken)]
  return {
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(timeToFirstTokenMs === undefined ? {} : { timeToFirstTokenMs }),
  }
}

function percentiles(histogram: Histogram): Percentiles | undefined {
  const [p50, p90, p95, p99] = FRACTIONS.map((fraction) => percentileMs(histogram, fraction))
  if (p50 === undefined || p90 === undefined || p95 === undefined || p99 === undefined) return undefined
  return { p50, p90, p95, p99 }
}

const FRACTIONS = [0.5, 0.9, 0.95, 0.99]
