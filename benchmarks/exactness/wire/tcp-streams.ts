import type { TcpSegment } from './pcap.ts'

/** The bytes that one side of a connection sent, in order, and when each was sent. */
export interface SentBytes {
  readonly bytes: Buffer
  /**
   * Returns when the byte at `offset`, and all before it, had been sent, Unix milliseconds.
   * @throws RangeError beyond the last byte
   */
  atMs(offset: number): number
}

export interface TcpStream {
  readonly clientPort: number
  readonly serverPort: number
  readonly fromClient: SentBytes
  readonly fromServer: SentBytes
}

/**
 * Reassembles the connections to `serverPort`, oldest first. A byte's time is that of its first transmission: on
 * loopback, retransmitted bytes had arrived before, or waited for the provider to read them.
 */
export function tcpStreams(segments: Iterable<TcpSegment>, serverPort: number): TcpStream[] {
  const open = new Map<string, Connection>()
  const all: Connection[] = []
  for (const segment of segments) {
    const isFromClient = segment.destinationPort === serverPort
    if (!isFromClient && segment.sourcePort !== serverPort) continue
    const clientPort = isFromClient ? segment.sourcePort : segment.destinationPort
    const client = `${isFromClient ? segment.sourceHost : segment.destinationHost}:${clientPort}`
    let connection = open.get(client)
    // A reused port begins another connection; a retransmitted SYN does not.
    const isNew = segment.isSyn && isFromClient && connection?.client.startsWith(segment.sequence + 1) === false
    if (connection === undefined || isNew) {
      connection = { clientPort, client: new Direction(), server: new Direction() }
      open.set(client, connection)
      all.push(connection)
    }
    connection[isFromClient ? 'client' : 'server'].take(segment)
  }
  return all.map(({ clientPort, client, server }) => ({
    clientPort,
    serverPort,
    fromClient: client.sent(),
    fromServer: server.sent(),
  }))
}

interface Connection {
  readonly clientPort: number
  readonly client: Direction
  readonly server: Direction
}

interface Piece {
  readonly offset: number
  readonly atMs: number
  readonly payload: Buffer
}

/** One direction of a connection. Offsets count from its first byte, whatever the initial sequence number. */
class Direction {
  #startsAt: number | undefined
  #endOffset = 0
  readonly #inOrder: Piece[] = []
  /** Segments that arrived before the bytes preceding them. */
  #early: Pick<Piece, 'offset' | 'payload'>[] = []

  /** Returns true if its first byte has this sequence number, or nothing was seen yet. */
  startsWith(sequence: number): boolean {
    return this.#startsAt === undefined || this.#startsAt === sequence >>> 0
  }

  take({ sequence, isSyn, payload, atMs }: TcpSegment): void {
    // A SYN occupies one sequence number.
    this.#startsAt ??= isSyn ? (sequence + 1) >>> 0 : sequence
    if (payload.length === 0) return
    const distance = (sequence - this.#startsAt) >>> 0
    // Bytes before the start (a keep-alive probe, or bytes sent before the capture) have a negative distance.
    const offset = distance > HALF ? distance - 2 ** 32 : distance
    this.#early.push({ offset, payload })
    this.#joinEarly(atMs)
  }

  #joinEarly(nowMs: number): void {
    for (;;) {
      const next = this.#early.findIndex(
        ({ offset, payload }) => offset <= this.#endOffset && offset + payload.length > this.#endOffset,
      )
      const piece = this.#early[next]
      if (piece === undefined) break
      this.#early.splice(next, 1)
      const fresh = piece.payload.subarray(this.#endOffset - piece.offset)
      // An early piece counts from when the gap before it was closed.
      this.#inOrder.push({ offset: this.#endOffset, atMs: nowMs, payload: fresh })
      this.#endOffset += fresh.length
    }
    this.#early = this.#early.filter(({ offset, payload }) => offset + payload.length > this.#endOffset)
  }

  sent(): SentBytes {
    const pieces = this.#inOrder
    return {
      bytes: Buffer.concat(pieces.map(({ payload }) => payload)),
      atMs: (offset) => {
        const piece = pieces[lastAtOrBefore(pieces, offset)]
        if (piece === undefined || offset >= piece.offset + piece.payload.length) {
          throw new RangeError(`byte ${offset} was not sent`)
        }
        return piece.atMs
      },
    }
  }
}

const HALF = 2 ** 31

/** Returns the index of the last piece that begins at or before `offset`; -1 if there is none. */
function lastAtOrBefore(pieces: readonly Piece[], offset: number): number {
  let low = 0
  let high = pieces.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((pieces[middle] as Piece).offset <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}
