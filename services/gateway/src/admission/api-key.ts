import type { ProjectedApiKey } from '@sluice/contracts'
import type { WireHeaders } from '@sluice/providers'

/** An application's key, ready for look-ups. */
export interface ApiKey {
  readonly id: string
  /** SHA-256 of the key, in lower-case hex. */
  readonly hash: string
  /** Unix milliseconds; from this instant on it is not valid. Absent: it does not expire. */
  readonly expiresAtMs?: number
  /** Returns whether the key may use this connection. */
  allows(connectionId: string): boolean
}

export function prepareApiKey(hash: string, { id, connections, expiresAtMs }: ProjectedApiKey): ApiKey {
  const allowed = connections === '*' ? undefined : new Set(connections)
  return {
    id,
    hash,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    allows: (connectionId) => allowed?.has(connectionId) ?? true,
  }
}

/**
 * Returns the API key that a request brings, in any of the ways that the providers' SDKs send one: `Authorization: Bearer`,
 * `x-api-key`, `x-goog-api-key`, `api-key`, or the query's `key`.
 */
export function presentedKey(headers: WireHeaders, query: string): string | undefined {
  const { authorization } = headers
  if (typeof authorization === 'string' && BEARER.test(authorization)) return authorization.slice(BEARER_LENGTH).trim()
  for (const name of KEY_HEADERS) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '') return value
  }
  const parameter = query === '' ? undefined : query.split('&').find(isKeyParameter)
  return parameter?.slice(parameter.indexOf('=') + 1)
}

/** Returns the query without `key`, which is the caller's secret and not the provider's; every other byte as it was. */
export function withoutKey(query: string): string {
  if (query === '') return query
  return query
    .split('&')
    .filter((parameter) => !isKeyParameter(parameter))
    .join('&')
}

/** The headers that may hold the caller's API key. */
export const KEY_HEADERS = ['x-api-key', 'x-goog-api-key', 'api-key'] as const

const BEARER = /^bearer /i
const BEARER_LENGTH = 'Bearer '.length
/** `key` in every way in which a query can write it: a provider's server takes `%6bey` for the same name. */
const KEY_PARAMETER = /^(?:k|%6[bB])(?:e|%65)(?:y|%79)=/

function isKeyParameter(parameter: string): boolean {
  return KEY_PARAMETER.test(parameter)
}
