import type { ProjectedConnection } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import type { LearnedModel } from './learned-models.ts'
import { START_BYTES_PER_TOKEN } from './token-ratio.ts'

/** What a request is expected to use, before it is sent. */
export interface CostEstimate {
  /** To reserve: the prompt, and the reserved output of every answer asked for. */
  readonly tokens: number
  /** The prompt's part of `tokens`. */
  readonly promptTokens: number
}

/** What a connection says about the tokens to reserve. */
export interface ReservationPolicy extends Pick<ProjectedConnection, 'defaultMaxOutputTokens' | 'tokenReservation'> {
  /** Absent where tokens are not limited. */
  readonly smallestTokenLimit?: number | undefined
}

/** Operations that run no model use no tokens. */
export const NO_TOKENS: CostEstimate = { tokens: 0, promptTokens: 0 }

/**
 * Whole numbers from 0 to {@link MAX_TOKENS}, whatever the request states. Never throws.
 * @param learned about the connection's requests to the model; undefined where nothing is
 */
export function estimateCost(
  request: RequestInspection,
  policy: ReservationPolicy,
  learned: LearnedModel | undefined,
): CostEstimate {
  const textTokens = learned?.ratio.tokensOf(request.promptBytes) ?? request.promptBytes / START_BYTES_PER_TOKEN
  const mediaTokens = request.mediaTokens ?? request.mediaParts * TOKENS_PER_MEDIA_PART
  const promptTokens = wholeTokens(textTokens + mediaTokens)
  const outputTokens = reservedOutput(request.maxOutputTokens, policy, learned?.output.tokens)
  return { tokens: wholeTokens(promptTokens + outputTokens * request.outputs), promptTokens }
}

/** More than any limit: what exceeds it is refused all the same. */
export const MAX_TOKENS = 1_000_000_000_000

/** Where no more is known: about what a 1,024 by 1,024 image costs at high detail. */
const TOKENS_PER_MEDIA_PART = 800

/** @param percentile the learned one; undefined where too little is known, infinite where answers are cut off */
function reservedOutput(
  stated: number | undefined,
  { defaultMaxOutputTokens, smallestTokenLimit, tokenReservation }: ReservationPolicy,
  percentile = Number.POSITIVE_INFINITY,
): number {
  if (stated !== undefined) return tokenReservation === 'expected' ? Math.min(stated, percentile) : stated
  // A small limit is not used up by a guess.
  const share = smallestTokenLimit === undefined ? Number.POSITIVE_INFINITY : Math.floor(smallestTokenLimit / 10)
  return Math.min(defaultMaxOutputTokens, percentile, Math.max(1, share))
}

function wholeTokens(tokens: number): number {
  // Not a number is what infinities from outside make of each other: as much as can be.
  return Number.isNaN(tokens) ? MAX_TOKENS : Math.min(MAX_TOKENS, Math.max(0, Math.ceil(tokens)))
}
