import type { WireHeaders } from '@sluice/providers'
import { responseHeaders } from '../domain/forwarded-headers.ts'
import { type HeaderFields, removeField } from '../domain/header-fields.ts'

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
const EMPTY = Buffer.alloc(0)
