import { announcedSecret, quotedInPattern, type WireHeaders } from '@sluice/providers'
import { SecretIndex } from './secret-index.ts'
import { isDistinctive, MIN_RUN_CHARS } from './secret-text.ts'
import { redactWhole, StreamRedactor } from './stream-redactor.ts'

/**
 * Takes the secrets of one credential out of what its provider answers. Made once for a credential.
 *
 * Secrets that are distinctive, and their longer runs, are taken out wherever they stand. Others, such as the `none` of a server that asks
 * for no key, are part of other words and texts: they are taken out only of what may quote a wrong key, an error, and there only as a word
 * of its own behind one that announces it, as in `Incorrect API key provided: none`.
 *
 * Of an error, the short beginnings and ends of a secret are taken out as well where they stand beside a mask, as in `sk-upst****ream`.
 */
export class SecretRedaction {
  readonly #index: SecretIndex
  readonly #announced: readonly RegExp[]
  readonly #masked: readonly RegExp[]

  constructor(secrets: readonly string[]) {
    this.#index = new SecretIndex(secrets)
    this.#announced = secrets.filter((secret) => secret !== '' && !isDistinctive(secret)).map(announcedSecret)
    this.#masked = secrets.filter((secret) => secret.length >= MIN_MASKED_CHARS).map(masked)
  }

  /** For the body of one answer, as it passes by. */
  stream(): StreamRedactor {
    return new StreamRedactor(this.#index)
  }

  /** Returns a whole body without the distinctive secrets: the same buffer where there is none. */
  body(bytes: Buffer): Buffer {
    return redactWhole(this.#index, bytes)
  }

  /** Returns the whole body of an error without any secret. */
  error(bytes: Buffer): Buffer {
    const body = this.body(bytes)
    if (this.#announced.length === 0 && this.#masked.length === 0) return body
    // Latin-1 gives every byte back as it was.
    const text = body.toString('latin1')
    const redacted = this.#withoutMasked(this.#withoutAnnounced(text))
    return redacted === text ? body : Buffer.from(redacted, 'latin1')
  }

  /** Returns what an error says, or the reason phrase of an answer, without any secret. */
  errorText(text: string): string {
    return this.#withoutMasked(this.#withoutAnnounced(this.#distinctiveOutOf(text)))
  }

  /** Returns an answer's headers without the secrets in their values; the same object where there is none. */
  headers(headers: WireHeaders): WireHeaders {
    let all = ''
    for (const name in headers) all += `${headers[name]}\n`
    const quotes = headers.location !== undefined || headers['www-authenticate'] !== undefined
    if (!quotes && this.#distinctiveOutOf(all) === all && this.#withoutAnnounced(all) === all) return headers
    const redacted: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(headers)) {
      if (value === undefined) continue
      redacted[name] = typeof value === 'string' ? this.#field(name, value) : value.map((one) => this.#field(name, one))
    }
    return redacted
  }

  #field(name: string, value: string): string {
    if (FRAMING.has(name)) return value
    return QUOTING.has(name) ? this.errorText(value) : this.#distinctiveOutOf(value)
  }

  #distinctiveOutOf(text: string): string {
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

/** What is between provider and gateway alone, or says how the body is to be read. */
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

/** Finds a mask with the beginning of `secret` before it or its end after it, and an end that is said to be one. Bounded throughout. */
function masked(secret: string): RegExp {
  const lengths = Array.from({ length: MAX_SHOWN_CHARS }, (_, index) => MAX_SHOWN_CHARS - index)
  const starts = lengths
    .filter((length) => length >= MIN_START_CHARS)
    .map((length) => quotedInPattern(secret.slice(0, length)))
  const ends = lengths
    .filter((length) => length >= MIN_END_CHARS)
    .map((length) => quotedInPattern(secret.slice(-length)))
  const start = `(?:${starts.join('|')})`
  const end = `(?:${ends.join('|')})`
  return new RegExp(`${start}${MASK}${end}?|${MASK}${end}|(?<=\\bend(?:s|ing) (?:in|with) ["'\`]?)${end}`, 'gi')
}

/** Stars, dots, an ellipsis or bullets (as text, as bytes of UTF-8 read as Latin-1, and as JSON escapes them), or x's. */
const MASK =
  '(?:\\*{2,80}|\\.{3,80}|(?:\u2026|\xe2\x80\xa6|\\\\u2026){1,80}|(?:\u2022|\xe2\x80\xa2|\\\\u2022){1,80}|x{4,80})'
/** What is shown of a shorter one may be any text. */
const MIN_MASKED_CHARS = 8
const MAX_SHOWN_CHARS = 16
const MIN_START_CHARS = 3
const MIN_END_CHARS = 2
