import type { ProviderId } from '@sluice/contracts'
import type { WireHeaders } from './provider-adapter.ts'
import { isRecord } from './wire/is-record.ts'
import { parseJson } from './wire/parse-json.ts'

/** A provider's error, not compressed. */
export interface ProviderError {
  readonly status: number
  readonly headers: WireHeaders
  readonly body: Buffer
}

/**
 * Returns whether a provider refuses the credential itself: unknown, revoked, expired, suspended or not signed rightly. That it may not be used
 * for a model, region, project or operation, or that a quota is used up, is no such refusal.
 */
export function refusesCredential(provider: ProviderId, error: ProviderError): boolean {
  if (!STATUSES.has(error.status)) return false
  return REFUSALS[provider](error)
}

const STATUSES: ReadonlySet<number> = new Set([400, 401, 403])

const REFUSALS: Readonly<Record<ProviderId, (error: ProviderError) => boolean>> = {
  openai: ofOpenAi,
  groq: ofOpenAi,
  anthropic: ({ status, body }) => status === 401 || (status === 403 && errorOf(body).type === 'authentication_error'),
  google: ofGoogle,
  'aws-bedrock': ofBedrock,
}

/**
 * Some servers that speak OpenAI's API say 400 or 403 of a wrong key (xAI: 400 "Incorrect API key provided: …"). What an application wrote may
 * stand anywhere in a message but at its beginning.
 * @see https://platform.openai.com/docs/guides/error-codes
 */
function ofOpenAi({ status, body }: ProviderError): boolean {
  const { code, message } = errorOf(body)
  if (status === 401) return !NOT_ALLOWED.test(message)
  return code === 'invalid_api_key' || WRONG_KEY.test(message)
}

/** OpenAI says 401 of a key that lacks a scope, which may do other things. */
const NOT_ALLOWED = /missing scopes|insufficient permissions/i
const WRONG_KEY =
  /^\W*(?:incorrect|invalid|unknown|expired|revoked|disabled|wrong) (?:api[ -]?key|token|credentials?)\b/i

/**
 * A wrong key is an invalid argument to Google; one that was found in public is denied permission.
 * @see https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
 */
function ofGoogle({ status, body }: ProviderError): boolean {
  const { message, details } = errorOf(body)
  const refused = details.some((detail) => isRecord(detail) && REASONS.has(detail.reason))
  return refused || status === 401 || (status === 403 && LEAKED.test(message))
}

const REASONS: ReadonlySet<unknown> = new Set([
  'API_KEY_INVALID',
  'API_KEY_IP_ADDRESS_BLOCKED',
  'API_KEY_SERVICE_BLOCKED',
  'CONSUMER_INVALID',
  'CONSUMER_SUSPENDED',
])
const LEAKED = /^your api key was reported as leaked/i

/**
 * A role that may not use a model is denied access, which is another error.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */
function ofBedrock({ headers, body }: ProviderError): boolean {
  const header = headers['x-amzn-errortype']
  const type = typeof header === 'string' ? header : errorOf(body).type
  // As `ExpiredTokenException:http://internal.amazon.com/…` or `com.amazon.coral.service#ExpiredTokenException`.
  const name = type.replace(/:.*$/s, '').replace(/^.*#/s, '')
  return EXCEPTIONS.has(name.replace(/Exception$/, ''))
}

const EXCEPTIONS: ReadonlySet<string> = new Set([
  'ExpiredToken',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignature',
  'MissingAuthenticationToken',
  'SignatureDoesNotMatch',
  'UnrecognizedClient',
])

interface ErrorWords {
  readonly type: string
  readonly code: string
  readonly message: string
  readonly details: readonly unknown[]
}

/** Reads an error in each provider's shape; what is not there is empty. */
function errorOf(body: Buffer): ErrorWords {
  const json = parseJson(body.subarray(0, MAX_READ_BYTES))
  const document = isRecord(json) ? json : Array.isArray(json) && isRecord(json[0]) ? json[0] : {}
  const error = isRecord(document.error) ? document.error : document
  const message = typeof document.error === 'string' ? document.error : error.message
  return {
    type: textOf(error.type ?? error.__type),
    code: textOf(error.code),
    message: textOf(message),
    details: Array.isArray(error.details) ? error.details : [],
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const MAX_READ_BYTES = 64 * 1024
