import type { MessageSplitter } from './usage-reader.ts'

/**
 * Visits each object of a JSON array of objects as soon as it is complete, whatever pieces the text arrives in. Does
 * not visit incomplete objects and those above 8 MiB.
 */
export class JsonArraySplitter implements MessageSplitter {
  readonly #visit: (element: Buffer) => void
  /** Open objects and arrays, without the outermost array. */
  #depth = 0
  #inString = false
  #escaped = false
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(visit: (element: Buffer) => void) {
    this.#visit = visit
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (this.#escaped) this.#escaped = false
      else if (this.#inString) {
        if (byte === QUOTE) this.#inString = false
        else if (byte === BACKSLASH) this.#escaped = true
      } else if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN_BRACE) {
        if (this.#depth++ === 0) start = i
      } else if (byte === OPEN_BRACKET && this.#depth > 0) this.#depth++
      else if (byte === CLOSE_BRACKET && this.#depth > 0) this.#depth--
      else if (byte === CLOSE_BRACE && this.#depth > 0 && --this.#depth === 0)
        this.#deliver(chunk.subarray(start, i + 1))
    }
    if (this.#depth > 0) this.#hold(chunk.subarray(start))
  }

  end(): void {
    this.#held = []
    this.#heldBytes = 0
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length
    if (this.#heldBytes > MAX_ELEMENT_BYTES) this.#held = []
    else this.#held.push(piece)
  }

  #deliver(last: Buffer): void {
    const bytes = this.#heldBytes + last.length
    if (bytes <= MAX_ELEMENT_BYTES)
      this.#visit(this.#heldBytes === 0 ? last : Buffer.concat([...this.#held, last], bytes))
    this.end()
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const MAX_ELEMENT_BYTES = 8 * 1024 * 1024
