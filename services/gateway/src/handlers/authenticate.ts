import type { IncomingMessage } from 'node:http'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
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

/**
 * Returns whether a refusal may come of what this gateway does not know yet: a key or connection that was made, or allowed more, a moment ago. A
 * text that is no API key by its checksum was never made.
 */
export function mayBeOutdated({ code }: GatewayError, request: IncomingMessage, query: string): boolean {
  if (code !== 'invalid_api_key') return OF_A_MOMENT_AGO.has(code)
  const key = presentedKey(request.headers, query)
  return key !== undefined && isAccessToken(key, 'slc')
}

const OF_A_MOMENT_AGO: ReadonlySet<string> = new Set([
  'connection_not_found',
  'connection_forbidden',
  'connection_disabled',
])

/**
 * Resolves when this gateway knows every key and connection that had been made when it was called, or after a second; with an error at once where
 * too many wait for that: what is not known yet is not said to be wrong.
 */
export async function catchUp({
  apiKeys,
  connections,
}: Pick<DataPlane, 'apiKeys' | 'connections'>): Promise<GatewayError | undefined> {
  const [keys, others] = await Promise.all([apiKeys.catchUp(), connections.catchUp()])
  return keys === 'busy' || others === 'busy' ? TOO_MANY_UNKNOWN : undefined
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
const TOO_MANY_UNKNOWN = gatewayError(
  'unavailable',
  'Too many requests at once have a key or connection that this gateway does not know yet: try again in a second.',
)
export const UNKNOWN_KEY = gatewayError(
  'invalid_api_key',
  'The API key is not valid: it is unknown, expired or revoked.',
)
