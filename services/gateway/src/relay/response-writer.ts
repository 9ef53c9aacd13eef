import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { SecretRedactor } from '@sluice/egress'
import { openAiErrorType, type TranslatedError, type WireHeaders } from '@sluice/providers'
import { type HeaderFields, removeField, responseHeaders } from '../http/forwarded-headers.ts'
import { sluiceHeaders } from '../http/write-error.ts'
import type { PermittedCall } from './call.ts'

/** What a provider's answer began with. */
export interface ResponseHead {
  readonly status: number
  /** Fit to be sent on. */
  readonly statusMessage: string
  readonly headers: WireHeaders
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

/** The name of the call that the application is told: the provider's where it gives one, or else the gateway's own. */
export function reportedRequestId(ownRequestId: string, head: ResponseHead | undefined): string {
  const given = head?.headers['x-request-id']
  return typeof given === 'string' ? given : ownRequestId
}

/** In lower case; empty where there is none. */
export function contentTypeOf({ headers }: ResponseHead): string {
  const value = headers['content-type']
  return typeof value === 'string' ? value.toLowerCase() : ''
}

/** An error to answer with; `fields` are its headers. */
export interface WholeResponse {
  readonly status: number
  readonly statusMessage: string
  readonly fields: HeaderFields
  readonly body: Buffer
}

/** A provider's error, kept until it is whole: only then it can be read, and said in other words. */
export class HeldResponse {
  readonly #status: number
  readonly #statusMessage: string
  readonly #headers: WireHeaders
  readonly #pieces: Buffer[] = []
  #bytes = 0

  constructor(status: number, statusMessage: string, headers: WireHeaders) {
    this.#status = status
    this.#statusMessage = statusMessage
    this.#headers = headers
  }

  /** False once it is longer than any error should be: what has come by then is all that is taken. */
  push(piece: Buffer): boolean {
    const room = MAX_ERROR_BYTES - this.#bytes
    this.#pieces.push(piece.length > room ? piece.subarray(0, room) : piece)
    this.#bytes += Math.min(room, piece.length)
    return this.#bytes < MAX_ERROR_BYTES
  }

  /** The answer to send. @param redact what is still to be done to the body */
  whole(redact: (body: Buffer) => Buffer): WholeResponse {
    const status = this.#status
    const statusMessage = this.#statusMessage
    const fields = responseHeaders(this.#headers)
    // The answer to a HEAD has no body, whatever its headers say.
    if (this.#bytes === 0) return { status, statusMessage, fields, body: EMPTY }
    const body = redact(Buffer.concat(this.#pieces))
    removeField(fields, 'content-length')
    fields.push('content-length', String(body.length))
    return { status, statusMessage, fields, body }
  }
}

const MAX_ERROR_BYTES = 1024 * 1024

/**
 * A provider's error in OpenAI's format, of which OpenAI's SDKs make their typed errors.
 * @param retryAfterMs how long the provider asks to wait, if it does: not every provider says so in a header
 */
export function translatedError(
  { status, statusMessage, fields: given }: WholeResponse,
  { message, code }: TranslatedError,
  retryAfterMs: number | undefined,
): WholeResponse {
  const body = Buffer.from(JSON.stringify({ error: { message, type: openAiErrorType(status), param: null, code } }))
  const fields = [...given]
  for (const name of ['content-type', 'content-length', 'content-encoding']) removeField(fields, name)
  fields.push('content-type', 'application/json; charset=utf-8', 'content-length', String(body.length))
  if (retryAfterMs !== undefined) {
    for (const name of ['retry-after', 'retry-after-ms']) removeField(fields, name)
    fields.push(
      'retry-after',
      String(Math.ceil(retryAfterMs / 1_000)),
      'retry-after-ms',
      String(Math.ceil(retryAfterMs)),
    )
  }
  return { status, statusMessage, fields, body }
}

/** Writes the heads of a provider's answer to one call, and its errors, as the application is to have them. */
export class ResponseWriter {
  readonly #call: PermittedCall
  readonly #response: ServerResponse

  constructor(call: PermittedCall, response: ServerResponse) {
    this.#call = call
    this.#response = response
  }

  /** The head of an answer whose body follows. @param contentType that of the body where it is no longer the provider's */
  head({ status, statusMessage, headers }: ResponseHead, contentType: string | undefined): void {
    const fields = responseHeaders(headers)
    // Where the body is not the provider's to the byte, its length no longer holds.
    if (this.#call.inspection.addsUsage || this.#call.translation !== undefined) removeField(fields, 'content-length')
    if (contentType !== undefined) {
      removeField(fields, 'content-type')
      fields.push('content-type', contentType)
    }
    this.#addOwnHeaders(fields, headers)
    this.#response.writeHead(status, statusMessage, fields)
  }

  /** An error of the provider's, whole. @param redaction for what comes of putting it in other words */
  error(head: ResponseHead, answer: WholeResponse, redaction: SecretRedactor): void {
    const { status, statusMessage, fields, body } = this.#translated(head, answer, redaction)
    this.#addOwnHeaders(fields, head.headers)
    this.#response.writeHead(status, statusMessage, fields)
    this.#response.end(body)
  }

  /** A provider's answer of 2xx that is an error with a status of its own, such as 429: said as if it had come with that status. */
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

  /** A provider's answer of 2xx that says why it is none. It was made, and is charged: SDKs are told not to send the request again. */
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

  #translated(
    { headers, receivedAtMs }: ResponseHead,
    answer: WholeResponse,
    redaction: SecretRedactor,
  ): WholeResponse {
    const { translation, connection } = this.#call
    const error = translation?.error(answer.status, answer.body, headers)
    if (error === undefined) return answer
    // A secret that was written in an unknown way may be legible in other words.
    const message = redaction.errorText(error.message)
    return translatedError(
      answer,
      { ...error, message },
      connection.adapter.retryAfterMs(headers, receivedAtMs, answer.body),
    )
  }

  #addOwnHeaders(fields: HeaderFields, headers: ResponseHead['headers']): void {
    const { connection, rateLimits, requestId } = this.#call
    if (typeof headers['x-request-id'] !== 'string') fields.push('x-request-id', requestId)
    sluiceHeaders(fields, 'upstream', connection.settings.name, rateLimits)
  }
}

/** OpenAI's SDKs do not repeat what it answers. */
const UNPROCESSABLE = 422
const EMPTY = Buffer.alloc(0)
