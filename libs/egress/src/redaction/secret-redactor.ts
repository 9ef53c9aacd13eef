/** Takes the secrets of one credential out of everything that its provider returns. */
import { isDistinctive, MIN_RUN_CHARS } from './distinctive.ts'
import { withoutHalfEscapes } from './json-escapes.ts'
import { announcedSecret, MIN_MASKED_CHARS, maskedSecret } from './quoted-secret.ts'
import { SecretIndex } from './secret-index.ts'
import { StreamRedactor } from './stream-redactor.ts'

/** A response's headers, by name in lower case. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The secret fields of a credential. */
export type SecretFields = Readonly<Record<string, { reveal(): string }>>

/**
 * Returns the redactor of a credential's secrets, which is created once for each `secrets` object and kept as long as
 * that object.
 */
export function redactorOf(secrets: SecretFields): SecretRedactor {
  const known = redactors.get(secrets)
  if (known !== undefined) return known
  const created = new SecretRedactor(Object.values(secrets).map((secret) => secret.reveal()))
  redactors.set(secrets, created)
  return created
}

const redactors = new WeakMap<SecretFields, SecretRedactor>()

/**
 * Secrets that are distinctive, and their longer runs, are redacted wherever they appear. Others, such as the `none` of
 * a server that needs no key, are part of other words and texts: they are redacted only where a wrong key may be
 * quoted, in an error, and there only as a word of its own after words that announce it, as in `Incorrect API key
 * provided: none`.
 *
 * In an error, the short beginnings and ends of a secret are redacted as well where they stand beside a mask, as in
 * `sk-upst****ream`.
 *
 * Creating one takes milliseconds, so it is done once for a credential.
 */
export class SecretRedactor {
  readonly #index: SecretIndex
  readonly #announced: readonly RegExp[]
  readonly #masked: readonly RegExp[]

  constructor(secrets: readonly string[]) {
    this.#index = new SecretIndex(secrets)
    this.#announced = secrets.filter((secret) => secret !== '' && !isDistinctive(secret)).map(announcedSecret)
    this.#masked = secrets.filter((secret) => secret.length >= MIN_MASKED_CHARS).map(maskedSecret)
  }

  /** Returns a redactor for the body of one response, as it passes by. */
  stream(): StreamRedactor {
    return new StreamRedactor(this.#index)
  }

  /**
   * Returns a whole body with `[redacted]` in place of distinctive secrets and their longer runs: the same buffer where
   * there are none.
   */
  body(bytes: Buffer): Buffer {
    const index = this.#index
    if (index.isEmpty) return bytes
    const pieces: Buffer[] = []
    let shownTo = 0
    for (let span = index.find(bytes, 0, true); span !== undefined; span = index.find(bytes, span.end, true)) {
      const { start, end } = withoutHalfEscapes(bytes, span)
      if (start >= end) continue
      pieces.push(bytes.subarray(shownTo, start), REDACTED)
      shownTo = end
    }
    return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(shownTo)])
  }

  /** Returns the whole body of an error without any secret: the same buffer where there are none. */
  error(bytes: Buffer): Buffer {
    const body = this.body(bytes)
    if (this.#announced.length === 0 && this.#masked.length === 0) return body
    // Latin-1 returns every byte as it was.
    const text = body.toString('latin1')
    const redacted = this.#withoutMasked(this.#withoutAnnounced(text))
    return redacted === text ? body : Buffer.from(redacted, 'latin1')
  }

  /** Returns the message of an error, or the reason phrase of a response, without any secret. */
  errorText(text: string): string {
    return this.#withoutMasked(this.#withoutAnnounced(this.#withoutDistinctive(text)))
  }

  /** Returns a response's headers without the secrets in their values: the same object where there are none. */
  headers(headers: ResponseHeaders): ResponseHeaders {
    let all = ''
    for (const name in headers) all += `${headers[name]}\n`
    const quotes = headers.location !== undefined || headers['www-authenticate'] !== undefined
    if (!quotes && this.#withoutDistinctive(all) === all && this.#withoutAnnounced(all) === all) return headers
    const redacted: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) continue
      redacted[name] =
        typeof value === 'string' ? this.#field(name, value) : value.map((element) => this.#field(name, element))
    }
    return redacted
  }

  #field(name: string, value: string): string {
    if (FRAMING.has(name)) return value
    return QUOTING.has(name) ? this.errorText(value) : this.#withoutDistinctive(value)
  }

  #withoutDistinctive(text: string): string {
    if (this.#index.isEmpty || text.length < MIN_RUN_CHARS) return text
    const bytes = Buffer.from(text)
    const body = this.body(bytes)
    return body === bytes ? text : body.toString()
  }

  #withoutAnnounced(text: string): string {
    return this.#announced.reduce((redacted, pattern) => redacted.replace(pattern, '$1[redacted]'), text)
  }

  #withoutMasked(text: string): string {
    if (text.length < MIN_MASKED_CHARS) return text
    return this.#masked.reduce((redacted, pattern) => redacted.replace(pattern, '[redacted]'), text)
  }
}

const REDACTED = Buffer.from('[redacted]')

/** Headers between provider and gateway alone, and those that say how the body is to be read. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'date',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that may quote what was sent. */
const QUOTING: ReadonlySet<string> = new Set(['location', 'www-authenticate'])
