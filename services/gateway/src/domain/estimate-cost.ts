import type { RequestInspection } from '@sluice/providers'

/** What a request is expected to use, before it is sent. */
export interface CostEstimate {
  /** To reserve: the prompt, and every output at its maximum. */
  readonly tokens: number
  /** The prompt's part of `tokens`. */
  readonly promptTokens: number
}

/** What a connection says about requests that state no output maximum. */
export interface OutputDefaults {
  readonly defaultMaxOutputTokens: number
  /** Absent where tokens are not limited. */
  readonly smallestTokenLimit?: number | undefined
}

/** Operations that run no model use no tokens. */
export const NO_TOKENS: CostEstimate = { tokens: 0, promptTokens: 0 }

/** Whole numbers from 0 to {@link MAX_TOKENS}, whatever the request states. Never throws. */
export function estimateCost(request: RequestInspection, defaults: OutputDefaults): CostEstimate {
  const promptTokens = Math.ceil(request.promptBytes / BYTES_PER_TOKEN) + request.mediaParts * TOKENS_PER_MEDIA_PART
  const maxOutputTokens = request.maxOutputTokens ?? assumedOutput(defaults)
  return {
    tokens: Math.min(MAX_TOKENS, promptTokens + maxOutputTokens * request.outputs),
    promptTokens: Math.min(MAX_TOKENS, promptTokens),
  }
}

/** More than any limit: what exceeds it is refused all the same. */
export const MAX_TOKENS = 1_000_000_000_000

const BYTES_PER_TOKEN = 4
/** About what a 1,024 by 1,024 image costs at high detail. */
const TOKENS_PER_MEDIA_PART = 800

/** A small limit is not used up by a guess. */
function assumedOutput({ defaultMaxOutputTokens, smallestTokenLimit }: OutputDefaults): number {
  if (smallestTokenLimit === undefined) return defaultMaxOutputTokens
  return Math.min(defaultMaxOutputTokens, Math.max(1, Math.floor(smallestTokenLimit / 10)))
}
