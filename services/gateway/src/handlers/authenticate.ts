import type { IncomingMessage } from 'node:http'
import { hashAccessToken } from '@sluice/service-kit'
import type { ApiKey } from '../domain/api-key.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { presentedKey } from '../domain/presented-key.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { expiredKeyMessage, missingKeyMessage, unknownKeyMessage } from './key-refusal.ts'

/** Whose request it is, by the API key that it brings; or why it may not go on. @param query without the question mark */
export function authenticate(
  { apiKeys, projections }: DataPlane,
  request: IncomingMessage,
  query: string,
  nowMs: number,
): ApiKey | GatewayError {
  const key = presentedKey(request.headers, query)
  if (key === undefined) return gatewayError('invalid_api_key', missingKeyMessage(request.headers))
  if (!projections.areCurrent()) return NOT_VERIFIABLE
  const apiKey = apiKeys.byHash(hashAccessToken(key))
  if (apiKey === undefined) return gatewayError('invalid_api_key', unknownKeyMessage(key))
  return hasExpired(apiKey, nowMs) ? expired(apiKey) : apiKey
}

export function hasExpired({ expiresAtMs }: ApiKey, nowMs: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

function expired({ expiresAtMs }: ApiKey): GatewayError {
  return expiresAtMs === undefined ? UNKNOWN_KEY : gatewayError('invalid_api_key', expiredKeyMessage(expiresAtMs))
}

export const NOT_VERIFIABLE = gatewayError(
  'unavailable',
  'API keys cannot be verified at the moment: the gateway has been without contact to NATS for too long.',
)
export const UNKNOWN_KEY = gatewayError(
  'invalid_api_key',
  'The API key is not valid: it is unknown, expired or revoked.',
)
