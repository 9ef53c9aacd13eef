import type { OutgoingHttpHeaders } from 'node:http'
import type { LimitStatus, Metric } from '../core/rate-limiter.ts'
import {
  callerByApiKey,
  type HeaderContext,
  readBearerToken,
  type SimulatedProvider,
} from '../core/simulated-provider.ts'
import { failure, organizationOf, requestIdHeader } from './errors.ts'
import { countTokens, createMessagesRoute } from './messages.ts'
import { listModels, retrieveModel } from './models.ts'
import { Threads } from './threads.ts'

/** Anthropic's API in its versions 2023-06-01 and 2026-10-21: https://platform.claude.com/docs/en/api/overview. */
export function createAnthropic(): SimulatedProvider {
  const routes = [createMessagesRoute(new Threads()), countTokens, listModels, retrieveModel]
  return { routes, identify, headers, failure }
}

const identify: SimulatedProvider['identify'] = ({ headers }, accounts) => {
  // The official SDKs switched to a bearer token with version 2026-10-21; `x-api-key` takes precedence.
  const apiKey = headers['x-api-key']
  return callerByApiKey(typeof apiKey === 'string' ? apiKey : readBearerToken(headers.authorization), accounts)
}

/** https://platform.claude.com/docs/en/api/rate-limits#response-headers */
function headers({ account, limits, arrivedAtMs, requestId }: HeaderContext): OutgoingHttpHeaders {
  const common: OutgoingHttpHeaders = { 'request-id': requestIdHeader(requestId) }
  if (account === undefined) return common
  common['anthropic-organization-id'] = organizationOf(account)
  for (const [metric, name] of HEADER_NAMES) {
    const status = limits?.[metric]
    if (status === undefined) continue
    common[`anthropic-ratelimit-${name}-limit`] = status.limit
    common[`anthropic-ratelimit-${name}-remaining`] = metric === 'requests' ? status.remaining : rounded(status)
    common[`anthropic-ratelimit-${name}-reset`] = rfc3339(arrivedAtMs + status.resetMs)
  }
  return common
}

const HEADER_NAMES: readonly (readonly [Metric, string])[] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['inputTokens', 'input-tokens'],
  ['outputTokens', 'output-tokens'],
]

/** Rounds to the nearest thousand, as the API documents it; smaller limits, which the API does not have, stay exact. */
function rounded({ limit, remaining }: LimitStatus): number {
  return limit < 1000 ? remaining : Math.min(limit, Math.round(remaining / 1000) * 1000)
}

/** Rounds up to whole seconds: `2025-08-21T12:40:59Z`. */
function rfc3339(atMs: number): string {
  return new Date(Math.ceil(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
