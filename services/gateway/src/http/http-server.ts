import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { refuseTunnel, unparsable } from './framework-errors.ts'
import type { Http2Sessions } from './http2-sessions.ts'
import type { RequestHandler } from './request-boundary.ts'

export interface HttpServerOptions {
  /** Responds to the requests of HTTP/1.1; never throws. */
  readonly handle: RequestHandler
  readonly http2: Pick<Http2Sessions, 'open'>
  /** The time in which a connection must say what it speaks, and the headers of a request arrive. */
  readonly headersTimeoutMs: number
  /** The time in which a whole request must arrive. */
  readonly requestTimeoutMs: number
  /** The time after which a connection without a request is closed. */
  readonly idleTimeoutMs: number
  /** The time after which a connection on which nothing moves is given up. */
  readonly socketTimeoutMs: number
}

/**
 * Creates the server of a port that speaks HTTP/1.1, and HTTP/2 with prior knowledge, which AWS's SDK speaks to every `http:` endpoint. The
 * first bytes of a connection decide. They are put back and the socket is given to Node's server of that protocol as if it were new, so that
 * neither knows of the other, and requests of HTTP/1.1 take the way they would take without HTTP/2.
 * @see RFC 9113, section 3.3
 */
export function createHttpServer(options: HttpServerOptions): Server {
  const { handle, http2, headersTimeoutMs, requestTimeoutMs } = options
  const server = createServer(
    {
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: requestTimeoutMs,
      // Where Node would refuse without a word, the route refuses in the provider's format.
      requireHostHeader: false,
      // Node swaps the two where the headers may take longer than the whole.
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      keepAliveTimeout: options.idleTimeoutMs,
    },
    handle,
  )
  server.setTimeout(options.socketTimeoutMs)
  // Node by itself would let every sender go on with its body, before its key is known, and refuse other expectations
  // without a word; `checkHead` does both for the calls that were admitted.
  server.on('checkContinue', handle)
  server.on('checkExpectation', handle)
  server.on('clientError', (error, socket) => unparsable(error, socket as Socket))
  server.on('connect', (_request, socket) => refuseTunnel(socket as Socket))

  const [serveHttp1] = server.listeners('connection')
  if (serveHttp1 === undefined) throw new Error('this Node serves no connections by a listener')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    onFirstBytes(socket, headersTimeoutMs, (protocol) => {
      if (protocol === 'http2') http2.open(socket)
      else serveHttp1.call(server, socket)
    })
  })
  return server
}

/** The interval at which Node looks for requests that take too long. */
const TIMEOUT_CHECK_MS = 1_000

/**
 * Calls `then` once a connection has said which protocol it speaks, with all that it said still to be read; one that says nothing for
 * `timeoutMs` is destroyed.
 */
function onFirstBytes(socket: Socket, timeoutMs: number, then: (protocol: 'http1' | 'http2') => void): void {
  const onError = (): void => void socket.destroy()
  const timer = setTimeout(onError, timeoutMs)
  // Put back only when they are enough: a stream that has something again would say so at once, over and over.
  let seen: Buffer = EMPTY
  const decide = (): void => {
    const bytes: Buffer | null = socket.read()
    if (bytes !== null) seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes])
    const isEnded = bytes === null
    if (isPreface(seen) && seen.length < PREFACE.length && !isEnded) return
    leave()
    if (seen.length > 0) socket.unshift(seen)
    then(isPreface(seen) && seen.length >= PREFACE.length ? 'http2' : 'http1')
  }
  const leave = (): void => {
    clearTimeout(timer)
    socket.off('readable', decide).off('error', onError).off('close', leave)
  }
  socket.on('readable', decide).on('error', onError).on('close', leave)
}

const EMPTY = Buffer.alloc(0)
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Returns whether the bytes are HTTP/2's preface, or its beginning. */
function isPreface(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, PREFACE.length)
  return PREFACE.compare(bytes, 0, length, 0, length) === 0
}
