import type { IncomingMessage } from 'node:http'
import { hashAccessToken } from '@sluice/service-kit'
import type { ApiKey } from '../domain/api-key.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { presentedKey } from '../domain/presented-key.ts'
import type { DataPlane } from '../ports/data-plane.ts'

/** Whose request it is, by the API key that it brings; or why it may not go on. @param query without the question mark */
export function authenticate(
  { apiKeys, projections }: DataPlane,
  request: IncomingMessage,
  query: string,
  nowMs: number,
): ApiKey | GatewayError {
  const key = presentedKey(request.headers, query)
  if (key === undefined) return NO_KEY
  if (!projections.areCurrent()) return NOT_VERIFIABLE
  const apiKey = apiKeys.byHash(hashAccessToken(key))
  return apiKey === undefined || hasExpired(apiKey, nowMs) ? UNKNOWN_KEY : apiKey
}

export function hasExpired({ expiresAtMs }: ApiKey, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

const NO_KEY = gatewayError(
  'invalid_api_key',
  'No API key was given. Send one as the provider\'s SDK does, for example "Authorization: Bearer slc_…".',
)
export const NOT_VERIFIABLE = gatewayError(
  'unavailable',
  'API keys cannot be verified at the moment: the gateway has been without contact to NATS for too long.',
)
export const UNKNOWN_KEY = gatewayError(
  'invalid_api_key',
  'The API key is not valid: it is unknown, expired or revoked.',
)
