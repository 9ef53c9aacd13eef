import type { ProviderId } from '@sluice/contracts'
import type { WireHeaders } from './wire/headers.ts'
import { isRecord, parseJson } from './wire/json.ts'

/** A provider's error response, uncompressed. */
export interface ProviderError {
  readonly status: number
  readonly headers: WireHeaders
  readonly body: Buffer
}

/**
 * Returns whether a provider rejects the credential itself: unknown, revoked, expired, suspended, or with a wrong signature. A credential that may not
 * be used for a model, region, project or operation, or whose quota or budget is used up, is not rejected. Requires positive evidence:
 * otherwise applications could make a healthy connection look faulty.
 */
export function rejectsCredential(provider: ProviderId, error: ProviderError): boolean {
  if (!STATUSES.has(error.status)) return false
  return REJECTIONS[provider](error)
}

const STATUSES: ReadonlySet<number> = new Set([400, 401, 403])

const REJECTIONS: Readonly<Record<ProviderId, (error: ProviderError) => boolean>> = {
  openai: rejectsKey,
  groq: rejectsKey,
  anthropic: rejectsKey,
  google: googleRejectsKey,
  'aws-bedrock': bedrockRejectsCredential,
}

/**
 * Reads errors of providers that take a key, and of servers that speak their APIs. Some use 400 or 403 for a wrong key (xAI: 400 "Incorrect
 * API key provided: …"). There a message may contain the application's text, though not at its beginning.
 * @see https://platform.openai.com/docs/guides/error-codes
 * @see https://docs.claude.com/en/api/errors
 * @see https://docs.litellm.ai/docs/proxy/error_reference (401 for models and budgets, too)
 */
function rejectsKey({ status, body }: ProviderError): boolean {
  const { type, code, message, text } = errorOf(body)
  const codes = [type.toLowerCase(), code.toLowerCase()]
  // Searches all parts of the body. Links are removed, because documents have any name.
  const all = searchableText(`${text}\n${message}`)
  if (USE.test(all)) return false
  if (codes.some((name) => KEY_CODES.has(name))) return true
  if (status === 400) return WRONG_KEY.test(message)
  if (codes.includes('authentication_error')) return true
  if (status === 403) return WRONG_KEY.test(message)
  return KEY_WORDS.test(message === '' ? all : message) || SAYS_NOTHING.test(all)
}

function searchableText(text: string): string {
  return text.replace(/https?:\/\/[^\s"]*/gi, '').replaceAll('_', ' ')
}

/** Words about what the key may be used for, rather than the key itself. */
const USE =
  /\b(?:models?|deployments?|engines?|regions?|country|countries|territory|territories|quotas?|budgets?|credits?|balance|billing|plans?|tiers?|scopes?|permissions?|permitted|rate limits?|limits?|exceeded|routes?|endpoint not|not (?:be )?(?:allowed|available|enabled)|allowed to|access to|ip address(?:es)?|blocked|end[ -]?users?|guardrails?)\b/i

/** OpenAI, Groq, Together: `invalid_api_key`; Cerebras: `wrong_api_key`; Moonshot: `invalid_authentication_error`; LiteLLM: `token_not_found_in_db`, `expired_key`. */
const KEY_CODES: ReadonlySet<string> = new Set([
  'account_deactivated',
  'expired_api_key',
  'expired_key',
  'incorrect_api_key',
  'invalid_api_key',
  'invalid_authentication',
  'invalid_authentication_error',
  'invalid_issuer',
  'revoked_api_key',
  'token_not_found_in_db',
  'wrong_api_key',
])
const WRONG_KEY = /^\W{0,9}(?:incorrect|invalid|unknown|expired|revoked|disabled|wrong) api[ -]?key\b/i
/** Cohere: "invalid api token"; OpenRouter: "No auth credentials found", "User not found."; Azure: "invalid subscription key". */
const KEY_WORDS =
  /api[ _-]?keys?\b|\bunauthori[sz]ed\b|\bunauthenticated\b|authenticat(?:ion|ed?)\b|authori[sz]ation (?:required|failed|header)|\b(?:auth |invalid |no )?credentials?\b|\b(?:invalid|expired|revoked|unknown|access|bearer|auth|api) tokens?\b|\btokens? (?:has |is |was )?(?:expired|invalid|revoked)\b|\bsubscription key\b|\b(?:invalid|expired|revoked|unknown|wrong) (?:virtual )?key\b|\bmember of an organization\b|^user not found\b|^invalid username or password\b/i
/** A body that contains only a status. */
const SAYS_NOTHING = /^(?:[^\p{L}]|error\b|code\b|status\b|null\b)*$/u

/**
 * Google reports a wrong key as an invalid argument, and a leaked key as denied permission. Servers that speak its API use other providers'
 * words.
 * @see https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto
 */
function googleRejectsKey(error: ProviderError): boolean {
  const { status, body } = error
  const { message, details, state } = errorOf(body)
  if (details.some((detail) => isRecord(detail) && REASONS.has(detail.reason))) return true
  if (status === 401) return state === 'UNAUTHENTICATED' ? !USE.test(message) : rejectsKey(error)
  return status === 403 && LEAKED.test(message)
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
 * Reads Bedrock's exceptions. A role that may not use a model gets another one (access denied).
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */
function bedrockRejectsCredential({ headers, body }: ProviderError): boolean {
  const header = headers['x-amzn-errortype']
  const type = typeof header === 'string' ? header : errorOf(body).type
  // For example `ExpiredTokenException:http://internal.amazon.com/…` or `com.amazon.coral.service#ExpiredTokenException`.
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
  /** Google's status name. */
  readonly state: string
  readonly message: string
  readonly details: readonly unknown[]
  /** The body as received. */
  readonly text: string
}

/** Reads an error in any provider's shape; missing parts are empty. */
function errorOf(body: Buffer): ErrorWords {
  const head = body.subarray(0, MAX_READ_BYTES)
  const json = parseJson(head)
  const document = isRecord(json) ? json : Array.isArray(json) && isRecord(json[0]) ? json[0] : undefined
  const error = isRecord(document?.error) ? document.error : (document ?? {})
  const words = [document?.error, error.message, document?.message, document?.detail, document?.title, document?.msg]
  return {
    type: textOf(error.type ?? error.__type),
    code: textOf(error.code),
    state: textOf(error.status),
    message: words.map(textOf).find((text) => text !== '') ?? '',
    details: Array.isArray(error.details) ? error.details : [],
    text: head.toString(),
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

const MAX_READ_BYTES = 64 * 1024
