import type { CoolDown, Cost, Outcome, TokenUsage } from '@sluice/contracts'
import type { ResponseReader } from '@sluice/providers'
import type { UsableConnection } from '../admission/connection.ts'
import { type CostEstimate, MAX_TOKENS } from '../estimate/estimate-cost.ts'
import { type EstimatedCall, limitedCostOf } from '../permits/reservation.ts'

/** The end of a request with a permit. */
export interface CallEnd {
  /** Whether any of the request was sent to the provider. */
  readonly sent: boolean
  /** The status of the provider's response; absent if there was none. */
  readonly status?: number
  /** Who interrupted the response; absent if it is complete. */
  readonly interruptedBy?: 'client' | 'provider' | 'timeout'
  /** The status of an error inside a 2xx response. */
  readonly errorStatus?: number | undefined
  /** Whether the provider rejected the connection's credential. */
  readonly isCredentialRejected?: boolean
  /** The usage that the response reported. */
  readonly usage?: TokenUsage | undefined
  /** The output that was relayed, for a response that reported no usage. */
  readonly outputTokensSeen: number
  /** The wait that a 429 asked for. */
  readonly retryAfterMs?: number | undefined
}

/** The cost of a request that was not sent. */
export const NOTHING_USED: Cost = { requests: 0, tokens: 0 }

/**
 * Returns what a request with a permit is charged in place of its reservation, with input and output apart if the connection limits one of
 * them. `finish-call.ts` prepares `usage` and `outputTokensSeen` with {@link chargedUsage} and {@link chargedOutput}; together they charge:
 *
 * | The request                                        | requests | input tokens | output tokens                         |
 * | -------------------------------------------------- | -------- | ------------ | ------------------------------------- |
 * | was not sent (expired permit, no connection, …)    | 0        | 0            | 0                                     |
 * | got a status of 300 or above, a 429 included       | 1        | 0            | 0                                     |
 * | got a response that reported its usage             | 1        | as reported  | as reported                           |
 * | … that reported only one of the two                | 1        | as reported, | as reported, or as below without      |
 * |                                                    |          | or estimated | usage                                 |
 * | got a response without usage that is interrupted   | 1        | estimated    | those seen; the reserved if none were |
 * | … that is complete, though its operation reports   | 1        | estimated    | the reserved, or those seen if more   |
 * |   usage; or that goes on in the background         |          |              |                                       |
 * | … that is complete, of an operation that does not  | 1        | estimated    | those seen; the reserved if none were |
 * |   report usage, or that ends with an error         |          |              |                                       |
 * | got no response                                    | 1        | estimated    | the reserved                          |
 * | got a response that made its reader throw          | 1        | estimated    | the reserved                          |
 *
 * "Seen" is the output that was relayed, "estimated" and "reserved" are the two parts of the estimate. An interrupted response that has
 * reported 0 output tokens has not reported its output. The first two rows are also what a request costs that is sent again, because its
 * permit was too old or the provider refused the gateway's addition. Usage of a background response that is reported later is charged with the
 * request that reports it: `background-charge.ts`. What the provider counts against its own limits is {@link limitedCost}.
 */
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
 * Returns what the provider counted against its own limits. Undefined if discovered limits are not enforced, or if nothing is known of the
 * request's usage: then its reservation against them stays.
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

/** Returns the outcome under which rollups count the request. */
export function outcomeOf({ status, errorStatus, interruptedBy, isCredentialRejected }: CallEnd): Outcome {
  if (status === 429 || errorStatus === 429) return 'upstream_429'
  // After a 2xx status, an error is not the client's.
  if (errorStatus !== undefined || isCredentialRejected) return 'upstream_error'
  if (status !== undefined && status >= 400) return status >= 500 ? 'upstream_error' : 'client_error'
  if (interruptedBy === 'client') return 'aborted'
  if (interruptedBy === 'timeout') return 'timeout'
  return interruptedBy === 'provider' ? 'upstream_error' : 'success'
}

/** A request that the provider refused with a 429, as far as the response says what was exceeded. */
export interface RateLimited {
  readonly model: string
  /** '' for the model's common pool. */
  readonly pool: string
  /** The tokens that the request reserved. */
  readonly tokens: number
  /** Returns whether the provider reported that nothing remains of a limit, so that smaller requests would be refused as well. */
  readonly nothingRemains: () => boolean
}

/**
 * Returns the cool-down that the provider asked for, an hour at most; undefined if it asked for none, or not for how long. It applies to
 * requests of the same pool of about the refused request's size or larger, or of any size if nothing remains of the limit: so a single
 * unusually large request does not stop smaller ones.
 */
export function coolDownOf(
  { status, errorStatus, retryAfterMs }: CallEnd,
  rateLimited: RateLimited,
): CoolDown | undefined {
  if ((errorStatus ?? status) !== 429 || retryAfterMs === undefined || retryAfterMs <= 0) return undefined
  const { model, pool, tokens, nothingRemains } = rateLimited
  const minTokens = nothingRemains() ? 0 : sizeClass(tokens)
  return {
    model,
    ...(pool === '' ? {} : { pool }),
    ...(minTokens === 0 ? {} : { minTokens }),
    durationMs: Math.min(MAX_COOL_DOWN_MS, Math.ceil(retryAfterMs)),
  }
}

/** Returns the smallest size in the same class: a power of four, or 0 for small ones. Few 429s then suffice to stop a whole pool. */
function sizeClass(tokens: number): number {
  if (tokens < SMALL_TOKENS) return 0
  return 4 ** Math.floor(Math.log2(tokens) / 2)
}

const SMALL_TOKENS = 1_024

/**
 * A single response stops a pool for every gateway. Providers ask for seconds or minutes; a longer cool-down is an exhausted daily limit or
 * a mistake, and a trial once an hour costs one refused request.
 */
const MAX_COOL_DOWN_MS = 3_600_000

/** Returns the input and output tokens that a sent request is charged. */
export function settledTokens(
  { status, usage, outputTokensSeen }: CallEnd,
  { promptTokens, outputTokens }: CostEstimate,
): Pick<TokenUsage, 'inputTokens' | 'outputTokens'> {
  // Without a 2xx status, nothing was generated.
  if (status !== undefined && status >= 300) return { inputTokens: 0, outputTokens: 0 }
  if (usage !== undefined) return usage
  return {
    inputTokens: promptTokens,
    outputTokens: outputTokensSeen > 0 ? outputTokensSeen : outputTokens,
  }
}

/** The end of a response, and the usage that was read from it. */
type ReadEnd = Pick<CallEnd, 'sent' | 'errorStatus'> &
  Pick<ResponseReader, 'usage'> & {
    readonly status: number | undefined
    readonly interruptedBy: CallEnd['interruptedBy']
    readonly reportsUsage: boolean
  }

/**
 * Returns whether a complete response did not report all of its usage in a form that is understood, although responses to its operation do.
 * Its reservation stays charged, which may be too much or too little.
 */
export function isUnread(end: ReadEnd, { tokens }: CostEstimate): boolean {
  const { sent, status, interruptedBy, errorStatus, reportsUsage, usage } = end
  const isWhole = sent && interruptedBy === undefined && errorStatus === undefined
  return isWhole && isSuccess(status) && reportsUsage && usage === undefined && tokens > 0
}

/**
 * Returns the usage to charge: as reported or, if only input or only output is known, completed by the charge for the other. Undefined if
 * neither is known.
 * @param goesOn whether the provider continues the response although the stream has ended
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

/** Returns the usage if it is of the whole response. An interrupted response with an output of 0 has not reported its output yet. */
export function wholeUsage({
  usage,
  interruptedBy,
}: Pick<ChargedEnd, 'usage' | 'interruptedBy'>): TokenUsage | undefined {
  return interruptedBy !== undefined && usage?.outputTokens === 0 ? undefined : usage
}

/** The usage that was read from a response, and whether it was interrupted. */
interface ChargedEnd extends Pick<ResponseReader, 'usage' | 'partialUsage' | 'outputTokensSeen'> {
  readonly interruptedBy: CallEnd['interruptedBy']
}

/**
 * Returns the output to charge if it is not reported: the reservation, since some output, such as reasoning, is not relayed; or what was
 * relayed, if more.
 */
export function chargedOutput(outputTokensSeen: number, { outputTokens }: CostEstimate): number {
  return Math.max(outputTokens, outputTokensSeen)
}

/** Returns the output to charge for an interrupted response: what was relayed, or the reservation if nothing was. */
function cutOutput(outputTokensSeen: number, { outputTokens }: CostEstimate): number {
  return outputTokensSeen > 0 ? outputTokensSeen : outputTokens
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}
