import type { Server } from 'node:http'
import { performServerHandshake, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { bridgeStream } from './http2-bridge.ts'

export interface Http2SessionsOptions {
  /** What answers the requests. */
  readonly server: () => Server
  /** After which a session without requests is closed. */
  readonly idleTimeoutMs: number
  /** After which a request on which nothing moves is given up. */
  readonly streamTimeoutMs: number
}

/** What Node's parser of HTTP/1.1 finds wrong with a connection. */
export interface ParserError extends Error {
  readonly code?: string
  /** A Buffer: the piece in which it was found. */
  readonly rawPacket?: unknown
  /** How far into that piece. */
  readonly bytesParsed?: number
}

/**
 * HTTP/2 with prior knowledge on the port of an HTTP/1.1 server: AWS's SDK speaks it to every `http:` endpoint. HTTP/1.1 pays
 * nothing for it, as Node's parser sees by itself that a connection begins with HTTP/2's preface, and gives up on it there.
 * @see RFC 9113, section 3.3
 */
export class Http2Sessions {
  readonly #options: Http2SessionsOptions
  readonly #sockets = new WeakSet<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  #closing = false

  constructor(options: Http2SessionsOptions) {
    this.#options = options
  }

  /** To be asked about every `clientError`: whether the connection is one of HTTP/2, and no error at all. */
  takes({ code, rawPacket, bytesParsed }: ParserError, socket: Socket): boolean {
    // The parser, which keeps to the connection, still finds it too slow for a request.
    if (this.#sockets.has(socket)) return true
    if (code !== 'HPE_PAUSED_H2_UPGRADE' || !(rawPacket instanceof Buffer)) return false
    const rest = rawPacket.subarray(bytesParsed)
    // Only the start of a connection may be a preface.
    if (socket.bytesRead - rest.length !== PREFACE.length) return false
    this.#sockets.add(socket)
    this.#open(socket, rest)
    return true
  }

  /** Takes no new requests, lets those under way end, and closes every session after its last. */
  close(): void {
    this.#closing = true
    for (const session of this.#sessions) retire(session)
  }

  #open(socket: Socket, rest: Buffer): void {
    const { idleTimeoutMs, streamTimeoutMs, server } = this.#options
    const session = performServerHandshake(detached(socket, rest), SESSION_OPTIONS)
    this.#sessions.add(session)
    let streams = 0
    session.on('stream', (stream, fields) => {
      streams++
      stream.once('close', () => streams--)
      stream.setTimeout(streamTimeoutMs, () => stream.destroy(new Error('nothing moves on the stream')))
      bridgeStream(server(), stream, fields)
    })
    session.setTimeout(idleTimeoutMs, () => {
      if (streams === 0) retire(session)
    })
    // What went wrong shows in how the session closes; the other side has been told.
    session.on('error', () => undefined)
    session.once('close', () => {
      this.#sessions.delete(session)
      socket.destroySoon()
    })
    for (const event of ['end', 'close']) socket.once(event, () => session.destroy())
    if (this.#closing) retire(session)
  }
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Against floods of resets, pings, settings and invalid frames, Node's own limits hold. */
const SESSION_OPTIONS = {
  settings: {
    maxConcurrentStreams: 256,
    initialWindowSize: 1024 * 1024,
    // Enough for HTTP/1.1 to find its lower limit passed, and to say so.
    maxHeaderListSize: 64 * 1024,
  },
  // A provider's answer may repeat a field that should be there once, and is passed on as it is.
  strictSingleValueFields: false,
}

/** A connection whose bytes went to the parser so far, given to HTTP/2 from its first byte. */
function detached(socket: Socket, rest: Buffer) {
  for (const event of ['data', 'end', 'drain', 'timeout']) socket.removeAllListeners(event)
  socket.setTimeout(0)
  const [session, wire] = duplexPair()
  wire.write(Buffer.concat([PREFACE, rest]))
  socket.pipe(wire).pipe(socket, { end: false })
  // However little the other side does to end it. Where the session failed, nothing ends, but all closes.
  for (const event of ['end', 'close']) wire.once(event, () => socket.destroySoon())
  socket.once('close', () => wire.destroy())
  return session
}

/**
 * Closes a session once its requests have been answered, those included that were sent before the other side knew.
 * @see RFC 9113, section 6.8
 */
function retire(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return
  session.goaway(0, MAX_STREAM_ID)
  if (!session.ping(() => session.close())) session.close()
}

const MAX_STREAM_ID = 2 ** 31 - 1
