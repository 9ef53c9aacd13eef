import type { Denied, Metric } from '@sluice/contracts'
import { type GatewayError, gatewayError } from './gateway-error.ts'

/** The answer to a request whose permit was denied. */
export function denialError(denied: Denied, connection: string, reservedTokens: number): GatewayError {
  if (denied.code === 'upstream_cooldown') {
    const { model, pool, retryAfterMs } = denied
    const part = pool === undefined ? '' : ` (${pool})`
    const what =
      model === '' ? `connection "${connection}"${part}` : `model "${model}"${part} of connection "${connection}"`
    const message = `The provider asked for a pause of ${what}. Retry in ${seconds(retryAfterMs)}.`
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
  const amount = metric === 'tokens' && !isDiscovered ? reservedTokens : limit + denied.excess
  const needed = `${amount} ${METRIC_WORDS[metric]}`
  const message = `This request needs ${needed}, ${denied.excess} more than the whole ${capacity} of ${whose}. Waiting does not help.`
  return gatewayError(denied.code, message, { limit: { period, metric, limit } })
}

const METRIC_WORDS: Readonly<Record<Metric, string>> = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'input tokens',
  outputTokens: 'output tokens',
}

/** What a denial is counted under: the limit as `<period>-<metric>`, or else the code. */
export function deniedBy(denied: Denied): string {
  return denied.code === 'upstream_cooldown' ? denied.code : `${denied.period}-${denied.metric}`
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

/** Tenths of a second, rounded up. */
function seconds(milliseconds: number): string {
  return `${(Math.ceil(milliseconds / 100) / 10).toFixed(1)} s`
}
