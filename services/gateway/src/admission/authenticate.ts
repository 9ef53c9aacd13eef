import type { IncomingMessage } from 'node:http'
import type { WireHeaders } from '@sluice/providers'
import { hashAccessToken, isAccessToken } from '@sluice/service-kit'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { ApiKeys, Connections, Projections } from '../ports.ts'
import { ok, type Refused, type Result, refused } from '../result.ts'
import { type ApiKey, presentedKey } from './api-key.ts'

/** Returns why a request is refused that brings no key, by what it brings in the key's place. Shows nothing of that. */
function missingKeyMessage({ authorization }: WireHeaders): string {
  if (typeof authorization === 'string' && authorization.startsWith('AWS4-HMAC')) {
    return (
      'The request is signed with AWS credentials, and the gateway takes a Sluice API key: set AWS_BEARER_TOKEN_BEDROCK to it ' +
      '(slc_…) and leave the AWS credentials out.'
    )
  }
  if (authorization !== undefined) {
    return 'The header Authorization holds no key: it must be "Bearer", a space, and a Sluice API key (slc_…).'
  }
  return (
    'No API key was given. Send a Sluice API key where the SDK puts its key: "Authorization: Bearer slc_…" (OpenAI, Groq, AWS bearer ' +
    'token), "x-api-key: slc_…" (Anthropic), "x-goog-api-key: slc_…" (Google) or "api-key: slc_…" (Azure).'
  )
}

/** Returns why a key that is not known is refused. Shows nothing of it: it may be good elsewhere. */
function unknownKeyMessage(key: string): string {
  if (key.trim() === '') return 'The API key is empty: is the variable set that the application takes it from?'
  const [, owner] = FOREIGN_KEYS.find(([form]) => form.test(key)) ?? []
  if (owner !== undefined) {
    return (
      `The key is ${owner}, and the gateway takes a Sluice API key (slc_…). The provider's key stays with the connection; ask the ` +
      'operator of Sluice for an API key.'
    )
  }
  if (key.startsWith('slo_')) {
    return 'The key is an operator token, which is for the admin API alone. Applications need an API key (slc_…): POST /api/v1/api-keys creates one.'
  }
  if (!key.startsWith('slc_'))
    return 'The API key is not one of Sluice: those begin with "slc_". Is it quoted, or another service’s?'
  if (!isAccessToken(key, 'slc')) {
    return 'The API key is not whole: it has 53 characters, the last of which are a checksum that does not fit. Copy it again.'
  }
  return 'The API key is not valid: it is unknown or revoked.'
}

/** @param expiresAtMs Unix milliseconds */
function expiredKeyMessage(expiresAtMs: number): string {
  return `The API key expired at ${new Date(expiresAtMs).toISOString()}: ask the operator of Sluice for another, or a later expiry.`
}

/** How the keys of others begin, the longer beginning first. */
const FOREIGN_KEYS: readonly (readonly [RegExp, string])[] = [
  [/^sk-ant-/, "Anthropic's own"],
  [/^sk-or-/, "OpenRouter's own"],
  [/^sk-/, "OpenAI's own, or that of a server that speaks its API"],
  [/^AIza/, "Google's own"],
  [/^gsk_/, "Groq's own"],
  [/^xai-/, "xAI's own"],
  [/^(?:ABSK|bedrock-api-key-|AKIA|ASIA)/, "AWS's own"],
]

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

/**
 * Returns whether a refusal may be wrong because the gateway does not know yet about a key or connection that was created, or allowed more,
 * a moment ago. A text whose checksum is not that of an API key was never created.
 */
export function mayBeOutdated({ error: { code } }: Refused, request: IncomingMessage, query: string): boolean {
  if (code !== 'invalid_api_key') return OUTDATED_CODES.has(code)
  const key = presentedKey(request.headers, query)
  return key !== undefined && isAccessToken(key, 'slc')
}

const OUTDATED_CODES: ReadonlySet<string> = new Set([
  'connection_not_found',
  'connection_forbidden',
  'connection_disabled',
])

/**
 * Resolves when this gateway knows every key and connection that had been created when it was called, or after a second. Resolves at once
 * with an error where too many requests wait for that already: a key that is not known yet must not be called invalid.
 */
export async function catchUp({
  apiKeys,
  connections,
}: {
  readonly apiKeys: Pick<ApiKeys, 'catchUp'>
  readonly connections: Pick<Connections, 'catchUp'>
}): Promise<GatewayError | undefined> {
  const [keys, others] = await Promise.all([apiKeys.catchUp(), connections.catchUp()])
  return keys === 'busy' || others === 'busy' ? TOO_MANY_UNKNOWN : undefined
}

const NOT_VERIFIABLE = refused(
  gatewayError(
    'unavailable',
    'API keys cannot be verified at the moment: the gateway has been without contact to NATS for too long.',
  ),
)
const TOO_MANY_UNKNOWN = gatewayError(
  'unavailable',
  'Too many requests at once have a key or connection that this gateway does not know yet: try again in a second.',
)
const UNKNOWN_KEY = refused(
  gatewayError('invalid_api_key', 'The API key is not valid: it is unknown, expired or revoked.'),
)
