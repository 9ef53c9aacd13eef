import type { ProjectedConnection } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import { expectedPrompt, type LearnedModel } from './learned-models.ts'

/** What a request is expected to use, before it is sent. */
export interface CostEstimate {
  /** To reserve: the prompt and the outputs. */
  readonly tokens: number
  /** The prompt's part of `tokens`. */
  readonly promptTokens: number
  /** The part of `tokens` for every output that is asked for. */
  readonly outputTokens: number
}

/** What a connection says about the tokens to reserve. */
export interface ReservationPolicy extends Pick<ProjectedConnection, 'defaultMaxOutputTokens' | 'tokenReservation'> {
  /** Of limits on all tokens together; absent where there is none. */
  readonly smallestTokenLimit?: number | undefined
  /** Of limits on output by itself; absent where there is none. */
  readonly smallestOutputLimit?: number | undefined
}

/** Operations that run no model use no tokens. */
export const NO_TOKENS: CostEstimate = { tokens: 0, promptTokens: 0, outputTokens: 0 }

/**
 * Whole numbers from 0 to {@link MAX_TOKENS}, whatever the request states. Never throws.
 * @param learned about the connection's requests to the model; undefined where nothing is
 */
export function estimateCost(
  request: RequestInspection,
  policy: ReservationPolicy,
  learned: LearnedModel | undefined,
): CostEstimate {
  const { text, tools, sealed } = expectedPrompt(request, learned)
  const mediaTokens = request.mediaTokens ?? request.mediaParts * TOKENS_PER_MEDIA_PART
  const promptTokens = wholeTokens(text + tools + sealed + (request.frameTokens ?? 0) + mediaTokens)
  const outputTokens = wholeTokens(reservedOutputs(request, promptTokens, policy, learned?.output.tokens))
  return { tokens: wholeTokens(promptTokens + outputTokens), promptTokens, outputTokens }
}

/** More than any limit: what exceeds it is refused all the same. */
export const MAX_TOKENS = 1_000_000_000_000

/** Where no more is known: about what a 1,024 by 1,024 image costs at high detail. */
const TOKENS_PER_MEDIA_PART = 800

/** @param percentile the learned one; undefined where too little is known, infinite where responses are cut off */
function reservedOutputs(
  { maxOutputTokens: stated, outputs }: RequestInspection,
  promptTokens: number,
  {
    defaultMaxOutputTokens,
    smallestTokenLimit: tokenLimit = Number.POSITIVE_INFINITY,
    smallestOutputLimit: outputLimit = Number.POSITIVE_INFINITY,
    tokenReservation,
  }: ReservationPolicy,
  percentile = Number.POSITIVE_INFINITY,
): number {
  const smallest = Math.min(tokenLimit, outputLimit)
  const share = Number.isFinite(smallest) ? Math.max(1, Math.floor(smallest / 10)) : defaultMaxOutputTokens
  // Whatever was learned or is asked for: what fits by its prompt is not refused for its outputs, of which one token each is left.
  const roomFor = (each: number) =>
    Math.max(Math.min(tokenLimit - promptTokens, outputLimit), Math.min(each, 1) * outputs)
  if (stated === undefined) {
    // A small limit is not used up by a guess.
    const guess = Math.min(defaultMaxOutputTokens, percentile, share)
    return Math.min(guess * outputs, roomFor(guess))
  }
  if (tokenReservation === 'maximum') return stated * outputs
  if (tokenReservation === 'expected') return Math.min(stated, percentile) * outputs
  const known = Number.isFinite(percentile) ? percentile : 0
  const bounded = Math.min(stated, Math.max(known, share)) * outputs
  return Math.min(bounded, roomFor(stated))
}

function wholeTokens(tokens: number): number {
  // Infinity − Infinity is NaN: treat it as the maximum.
  return Number.isNaN(tokens) ? MAX_TOKENS : Math.min(MAX_TOKENS, Math.max(0, Math.ceil(tokens)))
}
