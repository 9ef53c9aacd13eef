import { type IncomingMessage, maxHeaderSize, type ServerResponse } from 'node:http'
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { refuseRequest } from './framework-errors.ts'
import { headBytes, http1Head } from './http2-headers.ts'
import { Http2Request } from './http2-request.ts'
import { Http2Response } from './http2-response.ts'
import type { RequestHandler } from './request-boundary.ts'

export interface Http2SessionsOptions {
  /** Responds to the requests; never throws. */
  readonly handle: RequestHandler
  /** Responds to requests that do not get so far. */
  readonly refuse: typeof refuseRequest
  /** The time after which a session without requests is closed, whatever else the other side sends. */
  readonly idleTimeoutMs: number
  /** The time in which a whole request must arrive. */
  readonly requestTimeoutMs: number
  /** The time after which a request on which nothing moves is given up. */
  readonly streamTimeoutMs: number
}

/**
 * The HTTP/2 connections of a port. Node's own server speaks the protocol; its streams' requests and responses look to the routes
 * as those of HTTP/1.1.
 */
export class Http2Sessions {
  readonly #options: Http2SessionsOptions
  /** Functions that retire the open sessions. */
  readonly #sessions = new Map<ServerHttp2Session, () => void>()
  readonly #server = createServer(SERVER_OPTIONS)
  #closing = false

  constructor(options: Http2SessionsOptions) {
    this.#options = options
    this.#server.on('stream', (stream, fields, _flags, rawFields) => this.#take(stream, fields, rawFields))
  }

  /** Takes over a connection that begins with HTTP/2's preface, which is still to be read from it. */
  open(socket: Socket): void {
    if (socket.destroyed) return
    // HTTP/2 ends connections as a whole: a client that stops sending reads no responses either.
    socket.allowHalfOpen = false
    const keep = (session: ServerHttp2Session): void => this.#keep(session, socket)
    this.#server.once('session', keep)
    try {
      this.#server.emit('connection', socket)
    } finally {
      // Where Node could not make a session of it, the next one is another connection's.
      this.#server.off('session', keep)
    }
  }

  /** Stops taking new requests, lets those under way end, and closes every session after its last. */
  close(): void {
    this.#closing = true
    for (const retire of this.#sessions.values()) retire()
  }

  #keep(session: ServerHttp2Session, socket: Socket): void {
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    const retire = closeWhenIdle(session, socket, this.#options.idleTimeoutMs)
    this.#sessions.set(session, retire)
    socket.once('close', () => this.#sessions.delete(session))
    if (this.#closing) retire()
  }

  #take(stream: ServerHttp2Stream, fields: IncomingHttpHeaders, rawFields: readonly string[]): void {
    // The way in which the stream closes shows what went wrong.
    stream.on('error', () => undefined)
    // Reset before it is seen.
    if (stream.closed || stream.destroyed) return
    const head = http1Head(fields, !stream.endAfterHeaders)
    if (head === undefined) {
      stream.close(constants.NGHTTP2_CONNECT_ERROR)
      return
    }
    const { handle, refuse, requestTimeoutMs, streamTimeoutMs } = this.#options
    // A timer of our own: Node keeps its timer of a destroyed stream, and with it the stream, until it would have gone off.
    const idle = setTimeout(() => response.destroy(new Error('nothing moves on the stream')), streamTimeoutMs)
    stream.once('close', () => clearTimeout(idle))
    const onProgress = (): void => void idle.refresh()
    const request = new Http2Request(stream, head, onProgress)
    const response = new Http2Response(stream, request, onProgress)
    // The routes were written against Node's classes of HTTP/1.1; these two have what they use of them.
    const [plainRequest, plainResponse] = [request, response] as unknown as [IncomingMessage, ServerResponse]
    if (headBytes(rawFields) > maxHeaderSize) {
      refuse(plainResponse, 'HPE_HEADER_OVERFLOW')
      return
    }
    if (!request.complete) {
      const timer = setTimeout(() => {
        if (response.headersSent) response.destroy(new Error('the request did not arrive in time'))
        else refuse(plainResponse, 'ERR_HTTP_REQUEST_TIMEOUT')
      }, requestTimeoutMs)
      for (const event of ['end', 'close']) stream.once(event, () => clearTimeout(timer))
    }
    handle(plainRequest, plainResponse)
    // No route reads the body of such a request.
    if (BODILESS_METHODS.has(head.method)) request.resume()
  }
}

/** Against floods of resets, pings, settings, header continuations and invalid frames, Node's own limits hold. */
const SERVER_OPTIONS = {
  settings: {
    maxConcurrentStreams: 256,
    // The bytes that a stream may send before they are read, which Node does not count: with the streams above, 16 MiB a connection.
    initialWindowSize: 64 * 1024,
    // More than is accepted, so that a head that is a little too long gets an error that says so.
    maxHeaderListSize: 64 * 1024,
  },
  // A provider's response may repeat a field that should be there once, and is passed on as it is.
  strictSingleValueFields: false,
}
/**
 * The most bytes that the streams of a connection may have under way together. It bounds nothing that is held: Node gives it back as soon as the
 * bytes are here, read or not.
 */
const SESSION_WINDOW_BYTES = 1024 * 1024
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * Closes a session on which no request has been for `idleTimeoutMs`, and one that was retired once its requests have their responses. Node's own
 * timeout of sessions counts from whatever the other side sends, pings too, and a session that Node has closed still waits for the
 * other side to close the connection: the socket is destroyed when it does not.
 * @returns a function that retires the session
 */
function closeWhenIdle(session: ServerHttp2Session, socket: Socket, idleTimeoutMs: number): () => void {
  let openStreams = 0
  let timer: NodeJS.Timeout | undefined
  const wait = (ms: number, then: () => void): void => {
    clearTimeout(timer)
    if (!socket.destroyed) timer = setTimeout(then, ms)
  }
  const close = (): void => {
    // Says in a GOAWAY which requests were taken: others that are on their way can be sent again elsewhere. (The GOAWAY of RFC 9113,
    // section 6.8, that takes those too cannot be had from Node: nghttp2 ignores new streams after any that is sent through it.)
    session.close()
    if (openStreams === 0) wait(CLOSE_WITHIN_MS, () => socket.destroy())
  }
  session.on('stream', (stream) => {
    if (stream.destroyed) return
    openStreams++
    clearTimeout(timer)
    stream.once('close', () => {
      openStreams--
      if (openStreams > 0) return
      if (session.closed) close()
      else wait(idleTimeoutMs, close)
    })
  })
  socket.once('close', () => clearTimeout(timer))
  wait(idleTimeoutMs, close)
  return close
}

/** The time that the other side has to close the connection once the session is to be closed. */
const CLOSE_WITHIN_MS = 2_000
