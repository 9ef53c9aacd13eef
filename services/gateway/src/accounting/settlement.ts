import type { CoolDown, Cost, Outcome, TokenUsage } from '@sluice/contracts'
import type { ResponseReader } from '@sluice/providers'
import type { UsableConnection } from '../admission/connection.ts'
import { type CostEstimate, MAX_TOKENS } from '../estimate/estimate-cost.ts'
import { type EstimatedCall, limitedCostOf } from '../permits/reservation.ts'

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
  /** The error is about the connection's credential. */
  readonly isCredentialRejected?: boolean
  /** What the answer told of its usage. */
  readonly usage?: TokenUsage | undefined
  /** Output that has passed by, where the answer told no usage. */
  readonly outputTokensSeen: number
  /** How long a 429 asked to wait. */
  readonly retryAfterMs?: number | undefined
}

/** Of a request that was not sent. */
export const NOTHING_USED: Cost = { requests: 0, tokens: 0 }

/** What the request really used of its connection's capacity: input and output apart where the connection limits one of them. */
export function settledCost(
  end: CallEnd,
  {
    estimate,
    connection,
  }: { readonly estimate: CostEstimate; readonly connection: Pick<UsableConnection, 'countsParts'> },
): Cost {
  if (!end.sent) return NOTHING_USED
  const { inputTokens, outputTokens } = settledTokens(end, estimate)
  const cost: Cost = { requests: 1, tokens: Math.min(MAX_TOKENS, inputTokens + outputTokens) }
  if (!connection.countsParts) return cost
  return { ...cost, inputTokens: Math.min(MAX_TOKENS, inputTokens), outputTokens: Math.min(MAX_TOKENS, outputTokens) }
}

/**
 * What the provider has counted of the request against its own limits. Undefined where discovered limits are not held, or where nothing was
 * seen of what it used: then what was held against them stays.
 */
export function limitedCost(end: CallEnd, { connection, inspection, estimate }: EstimatedCall): Cost | undefined {
  if (connection.settings.enforceDiscovered !== true) return undefined
  if (!end.sent) return NOTHING_USED
  const { status, usage, outputTokensSeen } = end
  if (status !== undefined && status >= 300) return { requests: 1, tokens: 0 }
  if (usage === undefined && outputTokensSeen === 0) return undefined
  const { model } = inspection
  const { promptTokens } = estimate
  const seen = usage ?? {
    inputTokens: promptTokens,
    cachedInputTokens: connection.cachedShares.expectedOf(model, promptTokens),
    outputTokens: outputTokensSeen,
  }
  return limitedCostOf(connection.adapter.limitCounting.counted(seen, model))
}

/** How the request counts in rollups. */
export function outcomeOf({ status, errorStatus, interruptedBy, isCredentialRejected }: CallEnd): Outcome {
  if (status === 429 || errorStatus === 429) return 'upstream_429'
  // An answer that had begun well was no error of the client's.
  if (errorStatus !== undefined || isCredentialRejected) return 'upstream_error'
  if (status !== undefined && status >= 400) return status >= 500 ? 'upstream_error' : 'client_error'
  if (interruptedBy === 'client') return 'aborted'
  if (interruptedBy === 'timeout') return 'timeout'
  return interruptedBy === 'provider' ? 'upstream_error' : 'success'
}

/** What a 429 is about, as far as its response tells. */
export interface Refused {
  readonly model: string
  /** '' for the model's common pool. */
  readonly pool: string
  /** What the request reserved. */
  readonly tokens: number
  /** Whether the provider says that nothing is left of a limit: smaller requests would be refused as well. */
  readonly nothingLeft: () => boolean
}

/**
 * The pause that the provider asked for, an hour at most; undefined where it asked for none, or not for how long. It is for requests of the
 * refused one's pool and about its size or larger, unless nothing is left for smaller ones: so a request that no other is like stops no other.
 */
export function coolDownOf({ status, errorStatus, retryAfterMs }: CallEnd, refused: Refused): CoolDown | undefined {
  if ((errorStatus ?? status) !== 429 || retryAfterMs === undefined || retryAfterMs <= 0) return undefined
  const { model, pool, tokens, nothingLeft } = refused
  const minTokens = nothingLeft() ? 0 : sizeClass(tokens)
  return {
    model,
    ...(pool === '' ? {} : { pool }),
    ...(minTokens === 0 ? {} : { minTokens }),
    durationMs: Math.min(MAX_COOL_DOWN_MS, Math.ceil(retryAfterMs)),
  }
}

/** The least size that counts as the same: a power of four, or 0 for small ones. A pool meets so few 429s until all of it pauses. */
function sizeClass(tokens: number): number {
  if (tokens < SMALL_TOKENS) return 0
  return 4 ** Math.floor(Math.log2(tokens) / 2)
}

const SMALL_TOKENS = 1_024

/**
 * A single response shuts a pool for every gateway. Providers ask for seconds, or minutes; a longer pause is a daily limit used up, or a
 * mistake, and asking anew once an hour costs one refused request.
 */
const MAX_COOL_DOWN_MS = 3_600_000

/** Returns what a request that was sent is charged of input and output. */
export function settledTokens(
  { status, usage, outputTokensSeen }: CallEnd,
  { promptTokens, outputTokens }: CostEstimate,
): Pick<TokenUsage, 'inputTokens' | 'outputTokens'> {
  // Nothing was generated for an answer that is no 2xx.
  if (status !== undefined && status >= 300) return { inputTokens: 0, outputTokens: 0 }
  if (usage !== undefined) return usage
  return {
    inputTokens: promptTokens,
    outputTokens: outputTokensSeen > 0 ? outputTokensSeen : outputTokens,
  }
}

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
