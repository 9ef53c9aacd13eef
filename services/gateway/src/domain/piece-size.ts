/**
 * Watches the size of the pieces in which a body arrives. Each costs about a microsecond however small it is, so that a body sent byte by byte
 * keeps the process as busy as one that is a thousand times as large.
 */
export class PieceSize {
  #pieces = 0
  #bytes = 0

  /** Counts a piece; whether the body comes in pieces that are too small. */
  isTooSmall(pieceBytes: number): boolean {
    this.#pieces++
    this.#bytes += pieceBytes
    return this.#pieces > FREE_PIECES && this.#bytes < this.#pieces * LEAST_AVERAGE_BYTES
  }
}

const FREE_PIECES = 1_000
const LEAST_AVERAGE_BYTES = 16
