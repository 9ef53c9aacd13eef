/**
 * Passes a stream of server-sent events on in whole events, whatever pieces they come in: a client can do nothing with less. The bytes
 * are the same. An event that is longer than {@link MAX_HELD_BYTES} is passed on in pieces.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class WholeEvents {
  #held: Buffer[] = []
  #heldBytes = 0
  /** The last bytes of what is held, in which the end of an event may have begun. */
  #tail = EMPTY

  /** What can be passed on now; the same buffer where it ends with an event and nothing is held. */
  push(chunk: Buffer): Buffer {
    const end = lastEnd(this.#tail, chunk)
    if (end === undefined && this.#heldBytes + chunk.length <= MAX_HELD_BYTES) {
      this.#hold(chunk)
      return EMPTY
    }
    if (end === undefined || end === chunk.length) return this.#release(chunk)
    const passed = this.#release(chunk.subarray(0, end))
    this.#hold(chunk.subarray(end))
    return passed
  }

  /** The stream has ended: what came after its last event. */
  end(): Buffer {
    return this.#release(EMPTY)
  }

  #hold(piece: Buffer): void {
    this.#held.push(piece)
    this.#heldBytes += piece.length
    this.#tail = Buffer.concat([this.#tail, piece.subarray(-MAX_TAIL_BYTES)]).subarray(-MAX_TAIL_BYTES)
  }

  #release(last: Buffer): Buffer {
    const whole = this.#heldBytes === 0 ? last : Buffer.concat([...this.#held, last])
    this.#held = []
    this.#heldBytes = 0
    this.#tail = EMPTY
    return whole
  }
}

/** As much as is ever held of an error. */
const MAX_HELD_BYTES = 1024 * 1024
const EMPTY = Buffer.alloc(0)
/** Events end with a blank line, and lines with LF or CR LF. */
const ENDS = [Buffer.from('\n\n'), Buffer.from('\n\r\n')]
const MAX_TAIL_BYTES = 2

/** Where the last event ends that ends in `chunk`, which follows `tail`; undefined where none does. */
function lastEnd(tail: Buffer, chunk: Buffer): number | undefined {
  if (ENDS.some((end) => chunk.length >= end.length && chunk.subarray(-end.length).equals(end))) return chunk.length
  const bytes = tail.length === 0 ? chunk : Buffer.concat([tail, chunk])
  const ends = ENDS.map((end) => (bytes.includes(end) ? bytes.lastIndexOf(end) + end.length : 0))
  const end = Math.max(...ends) - tail.length
  return end > 0 ? end : undefined
}
