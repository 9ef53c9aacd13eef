import type { Histogram } from './histogram.ts'

/** What is stored for a query: counts as finely as the answer is made of, histograms by point. */
export interface UsageCells {
  /** The step that the times are multiples of: as asked, or longer where usage is kept coarser. */
  readonly stepMs: number
  /** By time and group. */
  readonly counts: readonly CountCell[]
  readonly histograms: readonly HistogramCell[]
}

export interface CountCell {
  /** The start of the step, Unix milliseconds. */
  readonly fromMs: number
  /** The value grouped by; undefined where the query groups by nothing. */
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
