import type { WireHeaders } from '@sluice/providers'
import { decodeBody } from '../domain/decode-body.ts'
import { answerHeaders } from '../domain/forwarded-headers.ts'
import { redactSecrets } from '../domain/redact-secrets.ts'

/** A provider's error, kept until it is whole, so that a credential that it repeats can be cut out. */
export class HeldAnswer {
  readonly status: number
  readonly statusMessage: string
  readonly #headers: WireHeaders
  readonly #pieces: Buffer[] = []
  #bytes = 0

  constructor(status: number, statusMessage: string, headers: WireHeaders) {
    this.status = status
    this.statusMessage = statusMessage
    this.#headers = headers
  }

  /** False once it is longer than any error should be: what has come by then is all that is taken. */
  push(piece: Buffer): boolean {
    const room = MAX_ERROR_BYTES - this.#bytes
    this.#pieces.push(piece.length > room ? piece.subarray(0, room) : piece)
    this.#bytes += Math.min(room, piece.length)
    return this.#bytes < MAX_ERROR_BYTES
  }

  /** The answer to send: headers (names and values in turn) and body, with no secret in either. */
  withoutSecrets(secrets: readonly string[]): { readonly fields: (string | string[])[]; readonly body: Buffer } {
    const fields = answerHeaders(this.#headers).map((field) =>
      typeof field === 'string' ? redactText(field, secrets) : field.map((part) => redactText(part, secrets)),
    )
    // The answer to a HEAD has no body, whatever its headers say.
    if (this.#bytes === 0) return { fields, body: EMPTY }
    const plain = decodeBody(Buffer.concat(this.#pieces), this.#headers['content-encoding'])
    const body = redactSecrets(plain, secrets)
    setField(fields, 'content-encoding', undefined)
    setField(fields, 'content-length', String(body.length))
    return { fields, body }
  }
}

const MAX_ERROR_BYTES = 1024 * 1024
const EMPTY = Buffer.alloc(0)

function redactText(text: string, secrets: readonly string[]): string {
  return secrets.some((secret) => secret !== '' && text.includes(secret))
    ? redactSecrets(Buffer.from(text), secrets).toString()
    : text
}

function setField(fields: (string | string[])[], name: string, value: string | undefined): void {
  const at = fields.indexOf(name)
  if (at >= 0) fields.splice(at, 2)
  if (value !== undefined) fields.push(name, value)
}
