import type { TokenUsage } from '@sluice/contracts'
import type { ResponseReader } from '@sluice/providers'
import type { CostEstimate } from './estimate-cost.ts'
import type { CallEnd } from './settlement.ts'

/** How a response ended, and what was read of its usage. */
type ReadEnd = Pick<CallEnd, 'sent' | 'errorStatus'> &
  Pick<ResponseReader, 'usage'> & {
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
 * Returns the usage that is charged: as reported, or where only the input or only the output is known completed by what is charged for the
 * other. Undefined where neither is known.
 * @param goesOn the provider makes the rest of the response though this is its end
 */
export function chargedUsage(end: ChargedEnd, estimate: CostEstimate, goesOn = false): TokenUsage | undefined {
  const whole = wholeUsage(end)
  if (whole !== undefined) return whole
  const { usage, partialUsage, outputTokensSeen, interruptedBy } = end
  const isCut = interruptedBy !== undefined && !goesOn
  const known = usage === undefined ? partialUsage : { ...usage, outputTokens: undefined }
  if (known === undefined) return undefined
  const { inputTokens = estimate.promptTokens, ...parts } = known
  const outputTokens = known.outputTokens ?? (isCut ? cutOutput : chargedOutput)(outputTokensSeen, estimate)
  return { ...parts, inputTokens, outputTokens }
}

/** Returns the usage that is of all the response. One that was broken off with 0 has not reported its output: it had not begun. */
export function wholeUsage({
  usage,
  interruptedBy,
}: Pick<ChargedEnd, 'usage' | 'interruptedBy'>): TokenUsage | undefined {
  return interruptedBy !== undefined && usage?.outputTokens === 0 ? undefined : usage
}

/** What was read of a response's usage, and whether it came to its end. */
interface ChargedEnd extends Pick<ResponseReader, 'usage' | 'partialUsage' | 'outputTokensSeen'> {
  readonly interruptedBy: CallEnd['interruptedBy']
}

/** The output to charge where it is not known: what was reserved, as some of it, such as reasoning, is never seen, or more that was. */
export function chargedOutput(outputTokensSeen: number, { outputTokens }: CostEstimate): number {
  return Math.max(outputTokens, outputTokensSeen)
}

/** The output to charge for a response that was broken off: what was seen of it, or what was reserved where nothing was. */
function cutOutput(outputTokensSeen: number, { outputTokens }: CostEstimate): number {
  return outputTokensSeen > 0 ? outputTokensSeen : outputTokens
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}
