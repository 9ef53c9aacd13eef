import type { SecretIndex, SecretSpan } from './secret-index.ts'

/**
 * Takes secrets and their longer runs out of a body as it passes by, in whatever pieces it comes. Every other byte stays, and what is taken
 * out is replaced by as many bytes, so that a length that was announced holds. Text that was JSON is JSON afterwards,
 * unless the secret has quotes, which no provider's key has: one may be the quote around the text.
 *
 * Held back is only what may be the beginning of a run, until the next piece or the end shows it: at most the secret's longest writing, and
 * nothing where a piece ends with what no secret has, as events do with their line feeds. Fewer than four bytes are not held back, as every
 * fourth piece of a binary stream ends with a byte that some secret has: they are passed on and remembered, so that the rest of the run is
 * taken out. Of a run at most its first three characters are shown, then, which is less than providers show on purpose.
 */
export class StreamRedactor {
  readonly #index: SecretIndex
  /** What may be the beginning of a run. */
  #open = EMPTY
  /** How many bytes of it were passed on. */
  #shownBytes = 0

  constructor(index: SecretIndex) {
    this.#index = index
  }

  /** Takes the next bytes; gives those to pass on now: the same buffer where it is passed on whole and none before it matter. */
  push(chunk: Buffer): Buffer {
    if (this.#index.isEmpty || chunk.length === 0) return chunk
    const shownBytes = this.#shownBytes
    const bytes = this.#redacted(chunk, false)
    const open = escapeStart(bytes, this.#index.openStart(bytes))
    const isHeld = bytes.length - open >= LEAST_HELD_BYTES
    const end = isHeld ? Math.max(open, shownBytes) : bytes.length
    // A copy, as the piece may be part of a larger buffer.
    this.#open = open === bytes.length ? EMPTY : Buffer.from(bytes.subarray(open))
    this.#shownBytes = Math.max(0, end - open)
    return shownBytes === 0 && end === bytes.length ? bytes : bytes.subarray(shownBytes, end)
  }

  /** The body has ended: gives what is still to be passed on. */
  end(): Buffer {
    if (this.#open.length === this.#shownBytes) return EMPTY
    const shownBytes = this.#shownBytes
    return this.#redacted(EMPTY, true).subarray(shownBytes)
  }

  /** What is open and the next bytes, with nothing changed that was passed on. */
  #redacted(chunk: Buffer, isEnd: boolean): Buffer {
    const bytes = this.#open.length === 0 ? chunk : Buffer.concat([this.#open, chunk])
    return redactInPlace(this.#index, bytes, this.#shownBytes, isEnd)
  }
}

/** Returns a whole text with `[redacted]` in place of secrets and their longer runs; the same buffer where there is none. */
export function redactWhole(index: SecretIndex, bytes: Buffer): Buffer {
  if (index.isEmpty) return bytes
  const pieces: Buffer[] = []
  let shownTo = 0
  for (let span = index.find(bytes, 0, true); span !== undefined; span = index.find(bytes, span.end, true)) {
    const { start, end } = withoutHalfEscapes(bytes, span)
    if (start >= end) continue
    pieces.push(bytes.subarray(shownTo, start), WORD)
    shownTo = end
  }
  return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(shownTo)])
}

/** The same of a part of a body, where as many bytes take the place of each, but for its first `shownBytes`. */
function redactInPlace(index: SecretIndex, given: Buffer, shownBytes: number, isEnd: boolean): Buffer {
  let bytes = given
  for (let span = index.find(bytes, 0, isEnd); span !== undefined; span = index.find(bytes, span.end, isEnd)) {
    if (bytes === given) bytes = Buffer.from(given)
    const { start, end } = withoutHalfEscapes(bytes, { start: Math.max(span.start, shownBytes), end: span.end })
    if (start >= end) continue
    bytes.fill(STAR, start, end)
    if (end - start >= WORD.length) WORD.copy(bytes, start)
  }
  return bytes
}

/** An escape of JSON's is left whole, or taken out whole. */
function withoutHalfEscapes(bytes: Buffer, { start, end }: SecretSpan): SecretSpan {
  return { start: escapeAround(bytes, start)?.end ?? start, end: escapeStart(bytes, end) }
}

const EMPTY = Buffer.alloc(0)
const LEAST_HELD_BYTES = 4
const WORD = Buffer.from('[redacted]')
const STAR = 0x2a

/** Where the JSON escape begins that `at` is inside of; `at` where it is inside of none. */
function escapeStart(bytes: Buffer, at: number): number {
  return escapeAround(bytes, at)?.start ?? at
}

/** The escape, such as `\n` or `\u0041`, that begins before `at` and ends behind it. */
function escapeAround(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  let start = at - 1
  while (bytes[start] !== BACKSLASH) {
    start--
    if (start < 0 || start <= at - UNICODE_ESCAPE_BYTES) return undefined
  }
  let run = start
  while (bytes[run - 1] === BACKSLASH) run--
  // Of several backslashes, each second one is escaped by the one before it.
  if ((start - run) % 2 === 1) return undefined
  const end = start + (isUnicodeEscape(bytes, start) ? UNICODE_ESCAPE_BYTES : 2)
  return end > at ? { start, end } : undefined
}

/** Whether it is one, or may become one with the bytes to come. */
function isUnicodeEscape(bytes: Buffer, start: number): boolean {
  return UNICODE_ESCAPE.test(bytes.toString('latin1', start, start + UNICODE_ESCAPE_BYTES))
}

const BACKSLASH = 0x5c
const UNICODE_ESCAPE_BYTES = 6
const UNICODE_ESCAPE = /^\\u(?:[0-9a-f]{4}|[0-9a-f]{0,3}$)/i
