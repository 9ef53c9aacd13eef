import { nearestName, type ProviderId } from '@sluice/contracts'
import { type ProviderAdapter, providerAdapter, type WireHeaders } from '@sluice/providers'
import { type GatewayError, gatewayError } from './gateway-error.ts'

/** The paths of the unified endpoint and their methods. */
const UNIFIED_PATHS = {
  '/v1/chat/completions': ['POST'],
  '/v1/embeddings': ['POST'],
  '/v1/models': ['GET', 'HEAD'],
} as const

/**
 * Corrects common mistakes of base URLs: extra slashes before a connection's name, and for the unified endpoint extra slashes and a missing or
 * repeated `/v1`. Returns every other URL as it is. All decisions about a request are made by the returned URL.
 */
export function forgivenUrl(url: string): string {
  if (url.startsWith('/connections/') && url[CONNECTIONS_LENGTH] !== '/') return url
  const [, name, rest] = CONNECTIONS.exec(url) ?? []
  if (name !== undefined && rest !== undefined) return `/connections/${name}${rest}`
  const questionMark = url.indexOf('?')
  const path = questionMark < 0 ? url : url.slice(0, questionMark)
  const resource = UNIFIED.exec(path)?.[1]
  if (resource === undefined) return url
  return `/v1/${resource.replace(/\/+/, '/')}${questionMark < 0 ? '' : url.slice(questionMark)}`
}

const CONNECTIONS_LENGTH = '/connections/'.length
const CONNECTIONS = /^\/+connections\/+([^/?]+)(.*)$/s
const UNIFIED = /^(?:\/+v1)*\/+(chat\/+completions|embeddings|models)\/*$/

/** The error for a path that leads nowhere. `provider`: whose API the request is meant for, and so whose format the error has. */
export interface NothingThere {
  readonly error: GatewayError
  readonly provider?: ProviderId
}

/** Returns what is wrong with a request that leads to no route, and where it should go. Names no connection, as the caller is not known. */
export function nothingThere(method: string, url: string): NothingThere {
  const [path = ''] = url.split('?', 1)
  const methods = (UNIFIED_PATHS as Readonly<Record<string, readonly string[]>>)[path]
  if (methods !== undefined) {
    const error = gatewayError('unsupported_operation', `${path} takes ${methods.join(' and ')}, not ${method}.`)
    return { error: { ...error, status: 405, allow: methods.join(', ') } }
  }
  const provider = providerOfPath(path)
  const what = `The gateway has nothing at ${method} ${shownPath(path)}. ${hintOf(path, provider)}`
  const error = gatewayError('unsupported_operation', what)
  return provider === undefined ? { error } : { error, provider }
}

function hintOf(path: string, provider: ProviderId | undefined): string {
  if (/^\/+(?:api\/(?:v1|docs)|api$|console|assets)/.test(path)) {
    return 'This is the gateway, for applications: the admin API and the console are at another port (8081 unless set otherwise).'
  }
  const [, first = '', second] = path.split('/')
  if (first === 'connections') {
    return second === undefined || second === ''
      ? 'After /connections comes the name of a connection, and then a path of its provider: /connections/NAME/v1/chat/completions.'
      : 'After the name of a connection comes a path of its provider, such as /v1/chat/completions (OpenAI) or /v1/messages (Anthropic).'
  }
  if (path.includes('/connections/')) return 'A base URL begins with /connections/NAME, right after the host and port.'
  if (provider !== undefined) {
    const base = BASE_PATHS[provider]
    return `That is a path of ${PROVIDER_NAMES[provider]}'s API: put the connection before it, with the base URL …${base}. ${UNIFIED_HINT}`
  }
  const near = nearestName(first, ['connections', 'healthz', 'readyz'])
  return near === undefined || near === first ? UNIFIED_HINT : `Did you mean /${near}? ${UNIFIED_HINT}`
}

/**
 * Returns what is wrong with a path that a connection's provider does not have, in sentences that say what to do.
 * @param path as it was sent; '' if it has dot segments or there is none
 */
export function unsupportedMessage(provider: ProviderId, connection: string, method: string, path: string): string {
  const where = path === '' ? 'this path' : `the path "${shownPath(path)}"`
  const what = `${provider} has no operation ${method} at ${where}.`
  if (TRAILING_SPACE.test(path))
    return `${what} The path ends with a space or a line break: take it out of the base URL.`
  const foreign = foreignPathHint(provider, connection, path)
  if (foreign !== undefined) return `${what} ${foreign}`
  if (provider === 'aws-bedrock' && method !== 'POST' && isBedrockPath(path)) return `${what} It takes POST.`
  return `${what} Its paths are ${PATHS[provider]}; an SDK's base URL is …${BASE_PATHS[provider].replace('NAME', connection)}.`
}

/** Returns which other provider has such a path, and how to call that; undefined if none has. */
export function foreignPathHint(provider: ProviderId, connection: string, path: string): string | undefined {
  const meant = providerOfPath(path)
  if (meant === undefined || meant === provider || (meant === 'openai' && provider === 'groq')) return undefined
  const unified =
    meant === 'openai'
      ? ` To use OpenAI's SDK with it, call the unified endpoint: base URL …/v1, model "${connection}/MODEL".`
      : ''
  return (
    `That is a path of ${PROVIDER_NAMES[meant]}'s API, and connection "${connection}" leads to ${PROVIDER_NAMES[provider]}, ` +
    `whose paths are ${PATHS[provider]}.${unified}`
  )
}

/** Returns whether a path ends with white space, which comes from a variable that was copied with it. */
export function endsWithSpace(path: string): boolean {
  return path.includes('%') && TRAILING_SPACE.test(path)
}

/** Returns a path as a message shows it. It is printable ASCII: anything else was refused before. */
export function shownPath(path: string): string {
  return path.length > MAX_SHOWN_CHARS ? `${path.slice(0, MAX_SHOWN_CHARS)}…` : path
}

/** Returns which provider's API has such a path, by its beginning or end. */
function providerOfPath(path: string): ProviderId | undefined {
  if (isBedrockPath(path)) return 'aws-bedrock'
  return PATHS_OF.find(([form]) => form.test(path))?.[1]
}

/** Returns whether a path is one of Bedrock's. Searches twice for each form, as one expression for both would take quadratic time. */
function isBedrockPath(path: string): boolean {
  return isBetween(path, '/model/', BEDROCK_OPERATION) || isBetween(path, '/guardrail/', APPLY)
}

/** Returns whether something stands between a text in the path and how it ends. */
function isBetween(path: string, begin: string, end: RegExp): boolean {
  const endAt = end.exec(path)?.index
  const beginAt = path.indexOf(begin)
  return endAt !== undefined && beginAt >= 0 && beginAt + begin.length < endAt
}

/** Takes linear time, as it sees paths of unknown callers: no repetition before another part, except at the beginning. */
const BEDROCK_OPERATION =
  /\/(?:converse(?:-stream)?|invoke(?:-with-(?:response|bidirectional)-stream)?|count-tokens)\/?$/
const APPLY = /\/apply\/?$/
/** The methods of a model stand behind a colon, which some clients escape: https://ai.google.dev/api/all-methods */
const GOOGLE_METHOD =
  /(?::|%3a)(?:generateContent|streamGenerateContent|(?:async)?(?:batch)?(?:embedContents?|generateContent)|countTokens|predict(?:LongRunning)?)\/?$/i
const PATHS_OF: readonly (readonly [RegExp, ProviderId])[] = [
  // Threads have messages, too.
  [/\/threads\/[^/]+\/messages\/?$/, 'openai'],
  [/\/messages(?:\/count_tokens|\/batches(?:\/.*)?)?\/?$/, 'anthropic'],
  [GOOGLE_METHOD, 'google'],
  // Below …/openai/ Google has OpenAI's API.
  [/(?:^|\/)(?:upload\/)?v1(?:beta|alpha)\d*\/(?!openai\/)/, 'google'],
  [/\/async-invoke(?:\/|$)/, 'aws-bedrock'],
  [/^\/+openai\/v1\//, 'groq'],
  [
    /\/(?:chat\/completions|completions|responses|embeddings|moderations|audio\/\w+|images\/\w+|fine_tuning\/jobs|vector_stores|files|batches)\/?$/,
    'openai',
  ],
]

const PROVIDER_NAMES: Readonly<Record<ProviderId, string>> = {
  openai: 'OpenAI',
  anthropic: 'Anthropic',
  google: 'Google',
  groq: 'Groq',
  'aws-bedrock': 'AWS Bedrock',
}
const PATHS: Readonly<Record<ProviderId, string>> = {
  openai: '/v1/chat/completions, /v1/responses, /v1/embeddings and all others under /v1',
  anthropic: '/v1/messages, /v1/messages/count_tokens and all others under /v1',
  google:
    '/v1beta/models/MODEL:generateContent, :streamGenerateContent, :embedContent, /v1beta/models and /v1beta/files',
  groq: '/openai/v1/chat/completions and all others under /openai/v1',
  'aws-bedrock':
    'POST /model/MODEL/converse, /converse-stream, /invoke, /invoke-with-response-stream and /count-tokens',
}
const BASE_PATHS: Readonly<Record<ProviderId, string>> = {
  openai: '/connections/NAME/v1',
  anthropic: '/connections/NAME',
  google: '/connections/NAME',
  groq: '/connections/NAME',
  'aws-bedrock': '/connections/NAME',
}
const UNIFIED_HINT =
  "It serves a provider's own API below /connections/NAME/, and POST /v1/chat/completions, POST /v1/embeddings and GET /v1/models with " +
  '"CONNECTION/MODEL" as the model.'
const TRAILING_SPACE = /(?:%20|%09|%0[ad])\/?$/i
const MAX_SHOWN_CHARS = 100

/**
 * Returns how a request to an unknown connection expects its error, by what only one provider's clients send: without the connection,
 * its provider is unknown, and a client that cannot read the error shows its user nothing but "Not Found". Undefined if nothing shows it:
 * OpenAI's format holds then.
 *
 * @param path what follows the connection's name
 */
export function expectedFormat(headers: WireHeaders, path: string): ProviderAdapter['errorResponse'] | undefined {
  const provider = expectedProvider(headers, path)
  return provider && providerAdapter(provider).errorResponse
}

function expectedProvider(headers: WireHeaders, path: string): ProviderId | undefined {
  if (headers['anthropic-version'] !== undefined) return 'anthropic'
  if (headers['x-goog-api-key'] !== undefined) return 'google'
  const meant = providerOfPath(path)
  if (meant === 'openai' || meant === 'groq') return undefined
  return meant ?? (headers['x-api-key'] === undefined ? undefined : 'anthropic')
}
