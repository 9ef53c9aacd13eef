import type { WireHeaders } from '@sluice/providers'

/**
 * The API key that a request brings, in any of the ways that the providers' SDKs send one: `Authorization: Bearer`,
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
  return parameter?.slice(KEY_PARAMETER.length)
}

/** The query without `key`, which is the caller's secret and not the provider's; every other byte as it was. */
export function withoutKey(query: string): string {
  if (!query.includes(KEY_PARAMETER)) return query
  return query
    .split('&')
    .filter((parameter) => !isKeyParameter(parameter))
    .join('&')
}

/** The headers that may hold the caller's API key. */
export const KEY_HEADERS = ['x-api-key', 'x-goog-api-key', 'api-key'] as const

const BEARER = /^bearer /i
const BEARER_LENGTH = 'Bearer '.length
const KEY_PARAMETER = 'key='

function isKeyParameter(parameter: string): boolean {
  return parameter.startsWith(KEY_PARAMETER)
}
