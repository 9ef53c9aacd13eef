import { escapeStart, withoutHalfEscapes } from './json-escapes.ts'
import type { SecretIndex } from './secret-index.ts'

/**
 * Redacts secrets and their longer runs in a body as it passes by, however it is cut into chunks. Every other byte
 * stays, and a run is replaced by as many bytes, so that an announced content length holds. JSON stays JSON, unless the
 * secret has quotes, which no provider's key has: one may be the quote around the text.
 *
 * Only what may be the beginning of a run is held back, until the next chunk or the end decides it: at most the
 * secret's longest spelling, and nothing if a chunk ends with a byte that no secret has, as events do with their line
 * feeds. Fewer than four bytes are not held back, since every fourth chunk of a binary stream ends with a byte of some
 * secret: they are passed on and remembered, so that the rest of the run is redacted. At most the first three
 * characters of a run appear, then, which is less than providers show on purpose.
 */
export class StreamRedactor {
  readonly #index: SecretIndex
  /** The bytes that may be the beginning of a run. */
  #open = EMPTY
  /** The number of them that were passed on. */
  #shownBytes = 0

  constructor(index: SecretIndex) {
    this.#index = index
  }

  /**
   * Takes the next chunk and returns the bytes to pass on now: the same buffer if it passes unchanged and nothing is
   * held back.
   */
  push(chunk: Buffer): Buffer {
    if (this.#index.isEmpty || chunk.length === 0) return chunk
    const shownBytes = this.#shownBytes
    const bytes = this.#redacted(chunk, false)
    const open = escapeStart(bytes, this.#index.openStart(bytes))
    const isHeld = bytes.length - open >= MIN_HELD_BYTES
    const end = isHeld ? Math.max(open, shownBytes) : bytes.length
    // A copy, since the chunk may be part of a larger buffer.
    this.#open = open === bytes.length ? EMPTY : Buffer.from(bytes.subarray(open))
    this.#shownBytes = Math.max(0, end - open)
    return shownBytes === 0 && end === bytes.length ? bytes : bytes.subarray(shownBytes, end)
  }

  /** Ends the body and returns the bytes that were held back. */
  end(): Buffer {
    if (this.#open.length === this.#shownBytes) return EMPTY
    const shownBytes = this.#shownBytes
    return this.#redacted(EMPTY, true).subarray(shownBytes)
  }

  /** Returns the open bytes and the chunk, redacted except for the bytes that were passed on. */
  #redacted(chunk: Buffer, isEnd: boolean): Buffer {
    const bytes = this.#open.length === 0 ? chunk : Buffer.concat([this.#open, chunk])
    return redactInPlace(this.#index, bytes, this.#shownBytes, isEnd)
  }
}

/**
 * Redacts part of a body from `shownBytes` on, replacing each run by as many bytes; returns the same buffer if there
 * are none.
 */
function redactInPlace(index: SecretIndex, given: Buffer, shownBytes: number, isEnd: boolean): Buffer {
  let bytes = given
  for (let span = index.find(bytes, 0, isEnd); span !== undefined; span = index.find(bytes, span.end, isEnd)) {
    if (bytes === given) bytes = Buffer.from(given)
    const { start, end } = withoutHalfEscapes(bytes, { start: Math.max(span.start, shownBytes), end: span.end })
    if (start >= end) continue
    bytes.fill(STAR, start, end)
    if (end - start >= REDACTED.length) REDACTED.copy(bytes, start)
  }
  return bytes
}

const EMPTY = Buffer.alloc(0)
const MIN_HELD_BYTES = 4
const REDACTED = Buffer.from('[redacted]')
const STAR = 0x2a
