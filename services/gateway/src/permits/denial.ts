import type { Denied, Metric, WindowState } from '@sluice/contracts'
import type { CostEstimate } from '../estimate/estimate-cost.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** A permit was denied: by which limit, when to retry, and the state of the connection's limits. */
export interface PermitDenial {
  readonly status: 'denied'
  readonly denied: Denied
  readonly windows: readonly WindowState[]
}

/** Returns how long until the same permit may be granted; Infinity if waiting never helps. */
export function retryAfterMs({ denied }: PermitDenial): number {
  return denied.code === 'request_exceeds_capacity' ? Number.POSITIVE_INFINITY : denied.retryAfterMs
}

/** Returns the error response for a request whose permit was denied. */
export function denialError(denied: Denied, connection: string, requested: Requested): GatewayError {
  if (denied.code === 'upstream_cool_down') {
    const { model, pool, retryAfterMs } = denied
    const part = pool === undefined ? '' : ` (${pool})`
    const what =
      model === '' ? `connection "${connection}"${part}` : `model "${model}"${part} of connection "${connection}"`
    const message = `The provider asked for a cool-down of ${what}. Retry in ${seconds(retryAfterMs)}.`
    return gatewayError(denied.code, message, { retryAfterMs })
  }
  const { period, metric, limit, model: limitedModel } = denied
  const isDiscovered = limitedModel !== undefined
  const whose = isDiscovered ? `model "${limitedModel}" of connection "${connection}"` : `connection "${connection}"`
  const capacity = `${isDiscovered ? "provider's limit" : 'capacity'} of ${limit} ${METRIC_WORDS[metric]} per ${period}`
  if (denied.code === 'capacity_exceeded') {
    const { retryAfterMs } = denied
    const message = `${capitalized(whose)} is at its ${capacity}. Retry in ${seconds(retryAfterMs)}.`
    return gatewayError(denied.code, message, { retryAfterMs, limit: { period, metric, limit } })
  }
  // Against a discovered limit, the provider's expected count is reserved, not the estimate.
  const amount = metric === 'tokens' && !isDiscovered ? requested.estimate.tokens : limit + denied.excess
  const why = metric === 'requests' ? '' : ` ${reservation(requested, { metric, limit, amount, isDiscovered })}`
  const needed = `${amount} ${METRIC_WORDS[metric]}`
  const message = `This request needs ${needed}, ${denied.excess} more than the whole ${capacity} of ${whose}. Waiting does not help.${why}`
  return gatewayError(denied.code, message, { limit: { period, metric, limit } })
}

const METRIC_WORDS: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
}

/** The reasons for the size of a reservation, for the error message. */
export interface Requested {
  readonly estimate: CostEstimate
  /** The maximum output that the request states, and the parameter that states it; absent if it states none. */
  readonly maxOutput?: { readonly parameter: string; readonly tokens: number } | undefined
  /** How many outputs the request asks for, and the parameter that says so; absent if it is one. */
  readonly outputs?: { readonly parameter: string; readonly count: number } | undefined
}

interface ExceededLimit {
  readonly metric: Metric
  readonly limit: number
  /** The amount that the request needs of the limit. */
  readonly amount: number
  readonly isDiscovered: boolean
}

/** Describes what the reservation consists of, and what would make it smaller. */
function reservation(
  { estimate, maxOutput, outputs }: Requested,
  { metric, limit, amount, isDiscovered }: ExceededLimit,
): string {
  const { promptTokens } = estimate
  const counted = metric === 'tokens' ? Math.max(0, amount - promptTokens) : amount
  const outputTokens = isDiscovered && metric !== 'inputTokens' ? counted : estimate.outputTokens
  const verb = isDiscovered ? 'are expected to count' : 'are reserved'
  const deps = `Its prompt is estimated at ${promptTokens} tokens, and ${outputTokens} ${verb} for its output`
  const promptPart = metric === 'tokens' ? promptTokens : 0
  if (metric === 'inputTokens' || promptPart >= limit) return `${deps}: shorten the prompt.`
  const stated = maxOutput === undefined ? [] : [`${maxOutput.parameter} is ${maxOutput.tokens}`]
  if (outputs !== undefined && outputs.count > 1) {
    const why = [`${outputs.parameter} is ${outputs.count}`, ...stated].join(' and ')
    // A single output may be too large by itself.
    const one = outputTokens / outputs.count
    if (promptPart + one <= limit || maxOutput === undefined) return `${deps}, as ${why}: lower ${outputs.parameter}.`
    return `${deps}, as ${why}: lower both.`
  }
  if (maxOutput === undefined) return `${deps}: state a smaller maximum.`
  return `${deps}, as ${maxOutput.parameter} is ${maxOutput.tokens}: lower it.`
}

/** Returns the key under which rollups count a denial: the limit as `<period>-<metric>`, or the code. */
export function deniedBy(denied: Denied): string {
  return denied.code === 'upstream_cool_down' ? denied.code : `${denied.period}-${denied.metric}`
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** Formats a duration in tenths of a second, rounded up. */
function seconds(milliseconds: number): string {
  return `${(Math.ceil(milliseconds / 100) / 10).toFixed(1)} s`
}
