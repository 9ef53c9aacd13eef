import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { SecretRedactor } from '@sluice/egress'
import type { TranslatedError, WireHeaders } from '@sluice/providers'
import { type HeaderFields, removeField, responseHeaders } from '../http/forwarded-headers.ts'
import { sluiceHeaders } from '../http/write-error.ts'
import type { PermittedCall } from './call.ts'
import { type ErrorResponse, translatedError } from './held-error.ts'

/** The head of a provider's response. */
export interface ResponseHead {
  readonly status: number
  /** Valid as a reason phrase. */
  readonly statusMessage: string
  readonly headers: WireHeaders
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

/** Returns the request id that the application gets: the provider's, or else the gateway's own. */
export function reportedRequestId(ownRequestId: string, head: ResponseHead | undefined): string {
  const given = head?.headers['x-request-id']
  return typeof given === 'string' ? given : ownRequestId
}

/** Returns the content type in lower case; empty without the header. */
export function contentTypeOf({ headers }: ResponseHead): string {
  const value = headers['content-type']
  return typeof value === 'string' ? value.toLowerCase() : ''
}

/** Writes the head of the provider's response to one call, or its error, for the application. */
export class ResponseWriter {
  readonly #call: PermittedCall
  readonly #response: ServerResponse

  constructor(call: PermittedCall, response: ServerResponse) {
    this.#call = call
    this.#response = response
  }

  /** Writes the head of a response whose body follows. @param contentType the body's, if it differs from the provider's */
  head({ status, statusMessage, headers }: ResponseHead, contentType: string | undefined): void {
    const fields = responseHeaders(headers)
    // A body that the gateway changes has another length.
    if (this.#call.inspection.addsUsage || this.#call.translation !== undefined) removeField(fields, 'content-length')
    if (contentType !== undefined) {
      removeField(fields, 'content-type')
      fields.push('content-type', contentType)
    }
    this.#addOwnHeaders(fields, headers)
    this.#response.writeHead(status, statusMessage, fields)
  }

  /** Writes a provider's error, translated for a unified call. @param redaction for the translated message */
  error(head: ResponseHead, error: ErrorResponse, redaction: SecretRedactor): void {
    const { status, statusMessage, fields, body } = this.#translated(head, error, redaction)
    this.#addOwnHeaders(fields, head.headers)
    this.#response.writeHead(status, statusMessage, fields)
    this.#response.end(body)
  }

  /** Writes an error that a 2xx response contained, with the status that the error stands for, such as 429. */
  failureOfStatus(status: number, head: ResponseHead, failure: TranslatedError, redaction: SecretRedactor): void {
    const message = redaction.errorText(failure.message)
    const error = {
      status,
      statusMessage: STATUS_CODES[status] ?? '',
      fields: responseHeaders(head.headers),
      body: EMPTY,
    }
    const retryAfterMs = this.#call.connection.adapter.retryAfterMs(head.headers, head.receivedAtMs)
    const { statusMessage, fields, body } = translatedError(error, { ...failure, message }, retryAfterMs)
    this.#addOwnHeaders(fields, head.headers)
    this.#response.writeHead(status, statusMessage, fields)
    this.#response.end(body)
  }

  /** Writes a 422 for a 2xx response without a result. The provider charges for it, so SDKs are asked not to retry. */
  failure({ headers }: ResponseHead, { message, code }: TranslatedError, redaction: SecretRedactor): void {
    const error = { message: redaction.errorText(message), type: 'server_error', param: null, code }
    const body = Buffer.from(JSON.stringify({ error }))
    const fields = responseHeaders(headers)
    for (const name of ['content-type', 'content-length', 'content-encoding', 'x-should-retry']) {
      removeField(fields, name)
    }
    fields.push('content-type', 'application/json; charset=utf-8', 'content-length', String(body.length))
    fields.push('x-should-retry', 'false')
    this.#addOwnHeaders(fields, headers)
    this.#response.writeHead(UNPROCESSABLE, STATUS_CODES[UNPROCESSABLE] ?? '', fields)
    this.#response.end(body)
  }

  #translated({ headers, receivedAtMs }: ResponseHead, error: ErrorResponse, redaction: SecretRedactor): ErrorResponse {
    const { translation, connection } = this.#call
    const translated = translation?.error(error.status, error.body, headers)
    if (translated === undefined) return error
    // Translation may reveal a secret that was spelled in an unknown way.
    const message = redaction.errorText(translated.message)
    const retryAfterMs = connection.adapter.retryAfterMs(headers, receivedAtMs, error.body)
    return translatedError(error, { ...translated, message }, retryAfterMs)
  }

  #addOwnHeaders(fields: HeaderFields, headers: ResponseHead['headers']): void {
    const { connection, rateLimits, requestId } = this.#call
    if (typeof headers['x-request-id'] !== 'string') fields.push('x-request-id', requestId)
    sluiceHeaders(fields, 'upstream', connection.settings.name, rateLimits)
  }
}

/** OpenAI's SDKs do not retry it. */
const UNPROCESSABLE = 422
const EMPTY = Buffer.alloc(0)
