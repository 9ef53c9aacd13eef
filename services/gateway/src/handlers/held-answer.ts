import type { WireHeaders } from '@sluice/providers'
import { decodeBody } from '../domain/decode-body.ts'
import { answerHeaders } from '../domain/forwarded-headers.ts'
import { type HeaderFields, removeField } from '../domain/header-fields.ts'
import { redactSecrets } from '../domain/redact-secrets.ts'

/** An error to answer with; `fields` are its headers. */
export interface WholeAnswer {
  readonly status: number
  readonly statusMessage: string
  readonly fields: HeaderFields
  readonly body: Buffer
}

/** A provider's error, kept until it is whole, so that a credential that it repeats can be cut out. */
export class HeldAnswer {
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

  /** The answer to send, with no secret in its body; its head came without. */
  withoutSecrets(secrets: readonly string[]): WholeAnswer {
    const status = this.#status
    const statusMessage = this.#statusMessage
    const fields = answerHeaders(this.#headers)
    // The answer to a HEAD has no body, whatever its headers say.
    if (this.#bytes === 0) return { status, statusMessage, fields, body: EMPTY }
    const plain = decodeBody(Buffer.concat(this.#pieces), this.#headers['content-encoding'])
    const redacted = redactSecrets(plain, secrets)
    const body = this.#bytes < MAX_ERROR_BYTES ? redacted : redacted.subarray(0, -LONGEST_SECRET_BYTES)
    removeField(fields, 'content-encoding')
    removeField(fields, 'content-length')
    fields.push('content-length', String(body.length))
    return { status, statusMessage, fields, body }
  }
}

const MAX_ERROR_BYTES = 1024 * 1024
/** Where an error is cut off, it may end in the beginning of a secret: 4,096 characters, escaped for a URL. */
const LONGEST_SECRET_BYTES = 3 * 4_096
const EMPTY = Buffer.alloc(0)
