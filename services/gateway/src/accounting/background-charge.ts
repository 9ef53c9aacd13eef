import type { BackgroundResponse, Cost, TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '@sluice/providers'
import type { UsableConnection } from '../admission/connection.ts'
import { MAX_TOKENS } from '../estimate/estimate-cost.ts'

/** The record of a background response: its model, what was charged for it, and what response events recorded for it. */
export type BackgroundCharge = Omit<BackgroundResponse, 'writtenBy'>

/** The usage of a background response beyond what was charged and recorded before. */
export interface AdditionalUsage {
  readonly model: string
  /** '' for the model's common pool. */
  readonly pool: string
  /** To be charged in addition; no count is below 0. */
  readonly charge: BackgroundCharge['charged']
  /** To be recorded in addition; undefined if there is nothing. */
  readonly usage: TokenUsage | undefined
}

/**
 * Returns what a reported usage adds to what is charged and recorded, and what is to be kept from then on; undefined if it adds nothing.
 * Reports are cumulative: the highest value of each count holds, and nothing is refunded.
 */
export function additionalUsage(
  kept: BackgroundCharge,
  reported: PartialUsage,
): { readonly additional: AdditionalUsage; readonly kept: BackgroundCharge } | undefined {
  const { charged } = kept
  const recorded = recordedWith(kept.recorded ?? NO_USAGE, reported)
  const total = (reported.inputTokens ?? charged.inputTokens) + (reported.outputTokens ?? charged.outputTokens)
  const next = {
    tokens: highest(charged.tokens, total),
    inputTokens: highest(charged.inputTokens, reported.inputTokens),
    outputTokens: highest(charged.outputTokens, reported.outputTokens),
  }
  const charge = {
    tokens: next.tokens - charged.tokens,
    inputTokens: next.inputTokens - charged.inputTokens,
    outputTokens: next.outputTokens - charged.outputTokens,
  }
  const more = difference(recorded, kept.recorded ?? NO_USAGE)
  if (more === undefined && Object.values(charge).every((tokens) => tokens === 0)) return undefined
  const { model, pool = '' } = kept
  return { additional: { model, pool, charge, usage: more }, kept: { ...kept, charged: next, recorded } }
}

/** Adds additional usage to the cost of the request that reported it; with input and output apart if the connection limits one of them. */
export function withAdditionalUsage(
  cost: Cost,
  additional: AdditionalUsage | undefined,
  { countsParts }: Pick<UsableConnection, 'countsParts'>,
): Cost {
  if (additional === undefined) return cost
  const { tokens, inputTokens, outputTokens } = additional.charge
  const total = { ...cost, tokens: cost.tokens + tokens }
  if (!countsParts) return total
  return {
    ...total,
    inputTokens: (cost.inputTokens ?? cost.tokens) + inputTokens,
    outputTokens: (cost.outputTokens ?? cost.tokens) + outputTokens,
  }
}

const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 }

function recordedWith(recorded: TokenUsage, reported: PartialUsage): TokenUsage {
  const { cacheWriteInputTokens } = reported
  const written = highest(recorded.cacheWriteInputTokens ?? 0, cacheWriteInputTokens)
  return {
    inputTokens: highest(recorded.inputTokens, reported.inputTokens),
    outputTokens: highest(recorded.outputTokens, reported.outputTokens),
    cachedInputTokens: highest(recorded.cachedInputTokens, reported.cachedInputTokens),
    reasoningTokens: highest(recorded.reasoningTokens, reported.reasoningTokens),
    ...(written === 0 ? {} : { cacheWriteInputTokens: written }),
  }
}

/** Returns by how much each count of `later` exceeds that of `earlier`; undefined if none does. */
function difference(later: TokenUsage, earlier: TokenUsage): TokenUsage | undefined {
  const written = (later.cacheWriteInputTokens ?? 0) - (earlier.cacheWriteInputTokens ?? 0)
  const more = {
    inputTokens: later.inputTokens - earlier.inputTokens,
    outputTokens: later.outputTokens - earlier.outputTokens,
    cachedInputTokens: later.cachedInputTokens - earlier.cachedInputTokens,
    reasoningTokens: later.reasoningTokens - earlier.reasoningTokens,
    ...(written === 0 ? {} : { cacheWriteInputTokens: written }),
  }
  return Object.values(more).some((tokens) => tokens > 0) ? more : undefined
}

function highest(known: number, reported: number | undefined): number {
  return reported === undefined ? known : Math.max(known, Math.min(MAX_TOKENS, reported))
}
