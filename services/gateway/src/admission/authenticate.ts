import type { IncomingMessage } from 'node:http'
import { hashAccessToken } from '@sluice/service-kit'
import { gatewayError } from '../http/gateway-error.ts'
import type { ApiKeys, Projections } from '../ports.ts'
import { ok, type Refused, type Result, refused } from '../result.ts'
import { type ApiKey, presentedKey } from './api-key.ts'
import { expiredKeyMessage, missingKeyMessage, unknownKeyMessage } from './key-hints.ts'

export interface ApiKeyDeps {
  readonly apiKeys: ApiKeys
  readonly projections: Projections
}

/** Finds the API key that a request brings. @param query without the question mark @param nowMs Unix milliseconds */
export function authenticate(
  { apiKeys, projections }: ApiKeyDeps,
  request: IncomingMessage,
  query: string,
  nowMs: number,
): Result<ApiKey, Refused> {
  const key = presentedKey(request.headers, query)
  if (key === undefined) return refused(gatewayError('invalid_api_key', missingKeyMessage(request.headers)))
  if (!projections.areCurrent()) return NOT_VERIFIABLE
  const apiKey = apiKeys.byHash(hashAccessToken(key))
  if (apiKey === undefined) return refused(gatewayError('invalid_api_key', unknownKeyMessage(key)))
  const { expiresAtMs } = apiKey
  if (expiresAtMs === undefined || expiresAtMs > nowMs) return ok(apiKey)
  return refused(gatewayError('invalid_api_key', expiredKeyMessage(expiresAtMs)))
}

/** Checks again that a key is valid that was valid when its request came. */
export function stillValidKey(
  { apiKeys, projections }: ApiKeyDeps,
  hash: string,
  nowMs: number,
): Result<ApiKey, Refused> {
  if (!projections.areCurrent()) return NOT_VERIFIABLE
  const apiKey = apiKeys.byHash(hash)
  if (apiKey === undefined) return UNKNOWN_KEY
  const { expiresAtMs } = apiKey
  return expiresAtMs !== undefined && expiresAtMs <= nowMs ? UNKNOWN_KEY : ok(apiKey)
}

const NOT_VERIFIABLE = refused(
  gatewayError(
    'unavailable',
    'API keys cannot be verified at the moment: the gateway has been without contact to NATS for too long.',
  ),
)
const UNKNOWN_KEY = refused(
  gatewayError('invalid_api_key', 'The API key is not valid: it is unknown, expired or revoked.'),
)
