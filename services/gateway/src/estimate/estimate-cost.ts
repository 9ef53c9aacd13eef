import type { ProjectedConnection } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import { expectedPrompt, type LearnedModel } from './learned-models.ts'

/** The expected usage of a request, before it is sent. */
export interface CostEstimate {
  /** The tokens to reserve, for the prompt and the outputs. */
  readonly tokens: number
  /** The prompt's part of `tokens`. */
  readonly promptTokens: number
  /** The part of `tokens` for all requested outputs. */
  readonly outputTokens: number
}

/** A connection's settings for token reservations. */
export interface ReservationPolicy extends Pick<ProjectedConnection, 'defaultMaxOutputTokens' | 'tokenReservation'> {
  /** The smallest limit on total tokens; absent if there is none. */
  readonly smallestTokenLimit?: number | undefined
  /** The smallest limit on output tokens; absent if there is none. */
  readonly smallestOutputLimit?: number | undefined
}

/** Operations that run no model use no tokens. */
export const NO_TOKENS: CostEstimate = { tokens: 0, promptTokens: 0, outputTokens: 0 }

/**
 * Estimates a request's usage, in whole numbers from 0 to {@link MAX_TOKENS}, whatever the request states. Never throws.
 * @param learned what the connection's requests to the model have taught; undefined if nothing
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

/** More than any limit. */
export const MAX_TOKENS = 1_000_000_000_000

/** For media of unknown cost: about a 1,024 by 1,024 image at high detail. */
const TOKENS_PER_MEDIA_PART = 800

/** @param percentile the learned percentile; undefined if too little is known, infinite if responses are cut off */
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
  // A request whose prompt fits is not refused for its outputs, whatever was learned or requested: one token of each remains.
  const roomFor = (each: number) =>
    Math.max(Math.min(tokenLimit - promptTokens, outputLimit), Math.min(each, 1) * outputs)
  if (stated === undefined) {
    // A guess must not use up a small limit.
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
