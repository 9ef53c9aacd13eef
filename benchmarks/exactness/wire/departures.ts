import type { SentBytes, TcpStream } from './tcp-streams.ts'

/** One request as the gateway sent it. */
export interface Departure {
  /** The time when the last byte of its headers was sent, Unix milliseconds. */
  readonly headAtMs: number
  /** The time when its last byte was sent; absent for an aborted request. */
  readonly wholeAtMs?: number
  /** The account's key, if the connection shows it. */
  readonly key?: string
}

/**
 * Finds the requests of a plain HTTP/1.1 connection, with the bearer token of each.
 * @throws SyntaxError if the client's bytes are not HTTP/1.1
 */
export function httpDepartures({ fromClient }: TcpStream): Departure[] {
  const departures: Departure[] = []
  for (let offset = 0; ; ) {
    const head = readHead(fromClient.bytes, offset)
    if (head === undefined) return departures
    const endOffset = bodyEnd(fromClient.bytes, head)
    departures.push({
      headAtMs: fromClient.atMs(head.endOffset - 1),
      ...(head.key === undefined ? {} : { key: head.key }),
      ...(endOffset === undefined ? {} : { wholeAtMs: fromClient.atMs(endOffset - 1) }),
    })
    if (endOffset === undefined) return departures
    offset = endOffset
  }
}

interface RequestHead {
  /** The offset of the first byte after the headers. */
  readonly endOffset: number
  readonly key: string | undefined
  readonly isChunked: boolean
  readonly contentBytes: number
}

/** Returns undefined if there are no complete headers at `offset`. */
function readHead(bytes: Buffer, offset: number): RequestHead | undefined {
  const end = bytes.indexOf('\r\n\r\n', offset)
  if (end < 0) return undefined
  const text = bytes.toString('latin1', offset, end)
  if (!/^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(`${text}\r\n`)) throw new SyntaxError('the bytes are not an HTTP/1.1 request')
  const field = (name: string) => new RegExp(`\\r\\n${name}: *([^\\r\\n]*)`, 'i').exec(text)?.[1]
  return {
    endOffset: end + 4,
    key: /^Bearer +(\S+)$/i.exec(field('authorization') ?? '')?.[1],
    isChunked: /\bchunked\b/i.test(field('transfer-encoding') ?? ''),
    contentBytes: Number(field('content-length') ?? 0),
  }
}

/** Returns the offset of the first byte after the body; undefined if the body is incomplete. */
function bodyEnd(bytes: Buffer, head: RequestHead): number | undefined {
  if (!head.isChunked) {
    const end = head.endOffset + head.contentBytes
    return end <= bytes.length ? end : undefined
  }
  for (let offset = head.endOffset; ; ) {
    const lineEnd = bytes.indexOf('\r\n', offset)
    if (lineEnd < 0) return undefined
    const chunkBytes = Number.parseInt(bytes.toString('latin1', offset, lineEnd), 16)
    if (Number.isNaN(chunkBytes)) throw new SyntaxError('the bytes are not a chunk of HTTP/1.1')
    const end = lineEnd + 2 + chunkBytes + 2
    if (end > bytes.length) return undefined
    if (chunkBytes === 0) return end
    offset = end
  }
}

/**
 * Finds the requests of a TLS 1.2 connection without decrypting them: on a kept-alive connection they follow one
 * another, so the first application data, and the first after data from the server, begins a request. Its first record
 * counts as its headers. Handshakes are records of another type.
 * @see RFC 5246, 6.2.1
 */
export function tlsDepartures({ fromClient, fromServer }: TcpStream): Departure[] {
  const ofClient = applicationDataAtMs(fromClient)
  const ofServer = applicationDataAtMs(fromServer)
  const departures: Departure[] = []
  let responded = 0
  let current: { headAtMs: number; wholeAtMs: number } | undefined
  for (const atMs of ofClient) {
    const before = responded
    while ((ofServer[responded] ?? Number.POSITIVE_INFINITY) < atMs) responded++
    if (current === undefined || responded > before) {
      current = { headAtMs: atMs, wholeAtMs: atMs }
      departures.push(current)
    }
    current.wholeAtMs = atMs
  }
  return departures
}

const APPLICATION_DATA = 23
const RECORD_HEAD_BYTES = 5

/** Returns when each complete record of application data had been sent, in order. */
function applicationDataAtMs({ bytes, atMs }: SentBytes): number[] {
  const instants: number[] = []
  for (let offset = 0; offset + RECORD_HEAD_BYTES <= bytes.length; ) {
    const end = offset + RECORD_HEAD_BYTES + bytes.readUint16BE(offset + 3)
    if (end > bytes.length) break
    if (bytes.readUint8(offset) === APPLICATION_DATA) instants.push(atMs(end - 1))
    offset = end
  }
  return instants
}
