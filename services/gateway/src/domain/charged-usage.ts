import type { TokenUsage } from '@sluice/contracts'
import type { AnswerReader, PartialUsage } from '@sluice/providers'
import type { CostEstimate } from './estimate-cost.ts'
import type { CallEnd } from './settlement.ts'

/** How a response ended, and what was read of its usage. */
type ReadEnd = Pick<CallEnd, 'sent' | 'errorStatus'> &
  Pick<AnswerReader, 'usage'> & {
    readonly status: number | undefined
    readonly interruptedBy: CallEnd['interruptedBy']
    readonly reportsUsage: boolean
  }

/**
 * Whether a response came to its end and reported its usage in no way that was understood, or not all of it, though responses to its
 * operation report it. What was reserved stays charged then, and whether that is too much or too little is not known.
 */
export function isUnread(end: ReadEnd, { tokens }: CostEstimate): boolean {
  const { sent, status, interruptedBy, errorStatus, reportsUsage, usage } = end
  const isWhole = sent && interruptedBy === undefined && errorStatus === undefined
  return isWhole && isSuccess(status) && reportsUsage && usage === undefined && tokens > 0
}

/**
 * Completes usage of which only the input or only the output is known by what is charged for the other. Undefined where neither is.
 * @param outputTokensSeen those that have passed by, as far as they can be counted without the provider telling
 */
export function chargedUsage(
  partial: PartialUsage | undefined,
  outputTokensSeen: number,
  estimate: CostEstimate,
): TokenUsage | undefined {
  if (partial === undefined) return undefined
  const {
    inputTokens = estimate.promptTokens,
    outputTokens = chargedOutput(outputTokensSeen, estimate),
    ...parts
  } = partial
  return { inputTokens, outputTokens, ...parts }
}

/** The output to charge where it is not known: what was reserved, as some of it, such as reasoning, is never seen, or more that was. */
export function chargedOutput(outputTokensSeen: number, { outputTokens }: CostEstimate): number {
  return Math.max(outputTokens, outputTokensSeen)
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}
