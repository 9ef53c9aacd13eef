import { openAiErrorType, type TranslatedError, type WireHeaders } from '@sluice/providers'
import { type HeaderFields, removeField, responseHeaders } from '../http/forwarded-headers.ts'

/** An error response as it is sent; `fields` are its headers. */
export interface ErrorResponse {
  readonly status: number
  readonly statusMessage: string
  readonly fields: HeaderFields
  readonly body: Buffer
}

/** A provider's error response, held until it is complete: only then can it be parsed and translated. */
export class HeldError {
  readonly #status: number
  readonly #statusMessage: string
  readonly #headers: WireHeaders
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(status: number, statusMessage: string, headers: WireHeaders) {
    this.#status = status
    this.#statusMessage = statusMessage
    this.#headers = headers
  }

  /** Adds a chunk. Returns false once the error is as long as can be held; the rest is dropped. */
  push(chunk: Buffer): boolean {
    const room = MAX_ERROR_BYTES - this.#bytes
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
    this.#bytes += Math.min(room, chunk.length)
    return this.#bytes < MAX_ERROR_BYTES
  }

  /** Returns the response to send. @param redact applied to the complete body */
  complete(redact: (body: Buffer) => Buffer): ErrorResponse {
    const status = this.#status
    const statusMessage = this.#statusMessage
    const fields = responseHeaders(this.#headers)
    // The response to a HEAD has no body, whatever its headers say.
    if (this.#bytes === 0) return { status, statusMessage, fields, body: EMPTY }
    const body = redact(Buffer.concat(this.#chunks))
    removeField(fields, 'content-length')
    fields.push('content-length', String(body.length))
    return { status, statusMessage, fields, body }
  }
}

const MAX_ERROR_BYTES = 1024 * 1024

/**
 * Returns a provider's error in OpenAI's format, which OpenAI's SDKs raise as their typed errors.
 * @param retryAfterMs how long the provider asks to wait, if it does; not every provider says so in a header
 */
export function translatedError(
  { status, statusMessage, fields: given }: ErrorResponse,
  { message, code }: TranslatedError,
  retryAfterMs: number | undefined,
): ErrorResponse {
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

const EMPTY = Buffer.alloc(0)
