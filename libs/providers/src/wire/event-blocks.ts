/**
 * Cuts server-sent events into blocks: an event's bytes with the blank line that ends it, whatever pieces they come in.
 * The blocks one after another are the stream, byte for byte. Lines end with LF or CR LF, or all of
 * a stream's with CR.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class EventBlocks {
  readonly #visit: (block: Buffer) => void
  #held: Buffer[] = []
  #heldBytes = 0
  /** Of the line that is not yet ended: how many bytes have come, and whether the last was a CR. */
  #lineBytes = 0
  #endsInCr = false
  /** What ends a line, the last byte of it; undefined until the first line has ended. */
  #lineEnd: number | undefined

  /** @param visit is called with each block in turn */
  constructor(visit: (block: Buffer) => void) {
    this.#visit = visit
  }

  push(chunk: Buffer): void {
    this.#lineEnd ??= this.#lineEndIn(chunk)
    const lineEnd = this.#lineEnd ?? LF
    let blockStart = 0
    let lineStart = 0
    for (let newline = chunk.indexOf(lineEnd); newline >= 0; newline = chunk.indexOf(lineEnd, lineStart)) {
      const lineBytes = this.#lineBytes + newline - lineStart
      const endsInCr = newline > lineStart ? chunk[newline - 1] === CR : this.#endsInCr
      lineStart = newline + 1
      this.#lineBytes = 0
      this.#endsInCr = false
      if (lineBytes === 0 || (lineBytes === 1 && endsInCr && lineEnd === LF)) {
        this.#deliver(chunk.subarray(blockStart, lineStart))
        blockStart = lineStart
      }
    }
    if (lineStart < chunk.length) {
      this.#lineBytes += chunk.length - lineStart
      this.#endsInCr = chunk[chunk.length - 1] === CR
    }
    if (blockStart < chunk.length) this.#hold(blockStart === 0 ? chunk : chunk.subarray(blockStart))
  }

  /** The stream has ended: what came after the last blank line is a block too. */
  end(): void {
    if (this.#heldBytes > 0) this.#deliver(EMPTY)
  }

  /** A CR at a chunk's end may be half of CR LF: the next byte tells. */
  #lineEndIn(chunk: Buffer): number | undefined {
    if (chunk.length === 0) return undefined
    if (this.#endsInCr && chunk[0] !== LF) {
      // That line has ended.
      this.#lineBytes = 0
      this.#endsInCr = false
      return CR
    }
    const cr = chunk.indexOf(CR)
    const lf = chunk.indexOf(LF)
    if (cr < 0 || (lf >= 0 && lf < cr)) return lf < 0 ? undefined : LF
    if (cr + 1 === chunk.length) return undefined
    return chunk[cr + 1] === LF ? LF : CR
  }

  #hold(piece: Buffer): void {
    this.#held.push(piece)
    this.#heldBytes += piece.length
    // An event this long is let go in pieces, which no reader can make sense of, rather than kept in memory.
    if (this.#heldBytes > MAX_BLOCK_BYTES) this.#deliver(EMPTY)
  }

  #deliver(last: Buffer): void {
    const block = this.#heldBytes === 0 ? last : Buffer.concat([...this.#held, last], this.#heldBytes + last.length)
    this.#held = []
    this.#heldBytes = 0
    this.#visit(block)
  }
}

const LF = 0x0a
const CR = 0x0d
const EMPTY = Buffer.alloc(0)
const MAX_BLOCK_BYTES = 8 * 1024 * 1024
