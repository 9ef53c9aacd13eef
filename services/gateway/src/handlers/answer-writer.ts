import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { SecretRedactor } from '@sluice/egress'
import type { TranslatedError } from '@sluice/providers'
import { responseHeaders } from '../domain/forwarded-headers.ts'
import { type HeaderFields, removeField } from '../domain/header-fields.ts'
import type { ResponseHead } from './answer-head.ts'
import type { PermittedCall } from './call.ts'
import type { WholeResponse } from './held-answer.ts'
import { sluiceHeaders } from './sluice-headers.ts'
import { translatedError } from './translated-error.ts'

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
