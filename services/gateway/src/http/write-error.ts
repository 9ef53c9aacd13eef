import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { openAiErrorResponse, type ProviderAdapter } from '@sluice/providers'
import type { Connection } from '../admission/connection.ts'
import type { RateLimitFields } from '../permits/rate-limit-fields.ts'
import { CONTENT_CODINGS } from './content-coding.ts'
import type { HeaderFields } from './forwarded-headers.ts'
import { type GatewayError, INTERNAL_ERROR } from './gateway-error.ts'

/** Adds the headers that every response has besides `x-request-id`. */
export function sluiceHeaders(
  fields: HeaderFields,
  source: 'gateway' | 'upstream',
  connection: string | undefined,
  rateLimits: RateLimitFields | undefined,
): void {
  fields.push('x-sluice-source', source)
  if (connection !== undefined) fields.push('x-sluice-connection', connection)
  if (rateLimits !== undefined) fields.push('ratelimit-policy', rateLimits.policy, 'ratelimit', rateLimits.limits)
}

export interface ErrorContext {
  readonly requestId: string
  readonly connection?: Connection | undefined
  /** By default the format of the connection's provider; OpenAI's without a connection. */
  readonly formatError?: ProviderAdapter['errorResponse']
  readonly rateLimits?: RateLimitFields | undefined
}

/** A response on a stream of its own, which can end while its connection serves others. */
export interface StreamResponse {
  /** Resets the stream if the response has not left within seconds, however slowly it is read. The rest of the request is dropped. */
  endSoon(): void
}

/** Responds with an error of the gateway's own, and drops what is left of the request's body. */
export function writeError(response: ServerResponse, error: GatewayError, context: ErrorContext): void {
  dropBody(response)
  const format = context.formatError ?? context.connection?.adapter.errorResponse ?? openAiErrorResponse
  const { headers, body } = format({ ...error, requestId: context.requestId })
  const fields: string[] = []
  for (const name in headers) fields.push(name, headers[name] ?? '')
  fields.push('content-length', String(Buffer.byteLength(body)), 'x-request-id', context.requestId)
  sluiceHeaders(fields, 'gateway', context.connection?.settings.name, context.rateLimits)
  if (error.allow !== undefined) fields.push('allow', error.allow)
  retryHeaders(fields, error)
  // OpenAI's and Anthropic's SDKs would retry, and the provider say the same.
  if (error.code === 'upstream_credential_rejected') fields.push('x-should-retry', 'false')
  // RFC 9110, section 15.5.16: says which codings would be taken.
  if (error.status === UNSUPPORTED_MEDIA_TYPE) fields.push('accept-encoding', CONTENT_CODINGS.join(', '))
  // Said outright, as the response may still hold a provider's phrase.
  response.writeHead(error.status, STATUS_CODES[error.status] ?? '', fields)
  response.end(body)
}

/** Ends a request by an exception: with an internal error, or by breaking off what has begun. Never throws. */
export function endWithFault(response: ServerResponse, context: ErrorContext): void {
  try {
    if (response.headersSent) response.destroy()
    else writeError(response, INTERNAL_ERROR, context)
  } catch {
    response.destroy()
  }
}

/**
 * A short rest of a body is read, so that the connection serves again. Of a long one, or one that does not say how long it is, the connection
 * is closed: reading it may take all the time of the process. Of HTTP/2, the stream is ended, not the connection.
 */
function dropBody(response: ServerResponse | (ServerResponse & StreamResponse)): void {
  if ('endSoon' in response) {
    response.endSoon()
    return
  }
  const request: IncomingMessage = response.req
  if (request.complete) return
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (coding !== undefined || Number(length ?? 0) > SHORT_BYTES) response.setHeader('connection', 'close')
  else request.resume()
}

const UNSUPPORTED_MEDIA_TYPE = 415
const SHORT_BYTES = 64 * 1024

function retryHeaders(fields: string[], { status, retryAfterMs, isFinal }: GatewayError): void {
  if (isFinal) fields.push('x-should-retry', 'false')
  // RFC 9110, section 11.6.1: a 401 says how to authenticate.
  if (status === 401) fields.push('www-authenticate', 'Bearer')
  if (retryAfterMs === undefined) return
  fields.push('retry-after', String(Math.ceil(retryAfterMs / 1_000)))
  if (status === 429) fields.push('retry-after-ms', String(retryAfterMs))
}
