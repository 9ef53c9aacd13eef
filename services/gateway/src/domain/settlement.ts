import type { CoolDown, Cost, Outcome, TokenUsage } from '@sluice/contracts'
import { type CostEstimate, MAX_TOKENS } from './estimate-cost.ts'

/** How a request that had its permit ended. */
export interface CallEnd {
  /** Whether any of it went to the provider. */
  readonly sent: boolean
  /** The provider's; absent where it did not answer. */
  readonly status?: number
  /** Absent where the answer came to its end. */
  readonly interruptedBy?: 'client' | 'provider' | 'timeout'
  /** That of an error which came inside an answer of 2xx. */
  readonly errorStatus?: number | undefined
  /** What the answer told of its usage. */
  readonly usage?: TokenUsage | undefined
  /** Output that has passed by, where the answer told no usage. */
  readonly outputTokensSeen: number
  /** How long a 429 asked to wait. */
  readonly retryAfterMs?: number | undefined
}

/** Of a request that was not sent. */
export const NOTHING_USED: Cost = { requests: 0, tokens: 0 }

/** What the request really used of its connection's capacity. */
export function settledCost(end: CallEnd, estimate: CostEstimate): Cost {
  if (!end.sent) return NOTHING_USED
  return { requests: 1, tokens: Math.min(MAX_TOKENS, settledTokens(end, estimate)) }
}

/** How the request counts in rollups. */
export function outcomeOf({ status, errorStatus, interruptedBy }: CallEnd): Outcome {
  if (status === 429 || errorStatus === 429) return 'upstream_429'
  // An answer that had begun well was no error of the client's.
  if (errorStatus !== undefined) return 'upstream_error'
  if (status !== undefined && status >= 400) return status >= 500 ? 'upstream_error' : 'client_error'
  if (interruptedBy === 'client') return 'aborted'
  if (interruptedBy === 'timeout') return 'timeout'
  return interruptedBy === 'provider' ? 'upstream_error' : 'success'
}

/** The pause that the provider asked for, an hour at most; undefined where it asked for none, or not for how long. */
export function coolDownOf({ status, errorStatus, retryAfterMs }: CallEnd, model: string): CoolDown | undefined {
  if ((errorStatus ?? status) !== 429 || retryAfterMs === undefined || retryAfterMs <= 0) return undefined
  return { model, durationMs: Math.min(MAX_COOL_DOWN_MS, Math.ceil(retryAfterMs)) }
}

/**
 * A single answer shuts a model (or, under the empty name, all calls without one) for every gateway. Providers ask for seconds,
 * or minutes; a longer pause is a daily limit used up, or a mistake, and asking anew once an hour costs one refused request.
 */
const MAX_COOL_DOWN_MS = 3_600_000

function settledTokens({ status, usage, outputTokensSeen }: CallEnd, estimate: CostEstimate): number {
  // Nothing was generated for an answer that is no 2xx.
  if (status !== undefined && status >= 300) return 0
  if (usage !== undefined) return usage.inputTokens + usage.outputTokens
  return outputTokensSeen > 0 ? estimate.promptTokens + outputTokensSeen : estimate.tokens
}
