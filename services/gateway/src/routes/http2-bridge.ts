import { request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { duplexPair } from 'node:stream'
import { http1Head, http2Fields } from './http2-headers.ts'

/**
 * Takes the request of an HTTP/2 stream through `server`, as one of HTTP/1.1 over a connection inside this process, and its
 * answer back, both at the pace of whoever receives them. A stream that is given up closes that connection; an answer that is
 * broken off resets the stream, so that it never passes for a whole one.
 */
export function bridgeStream(server: Server, stream: ServerHttp2Stream, fields: IncomingHttpHeaders): void {
  // What went wrong shows in how the stream closes.
  stream.on('error', () => undefined)
  if (stream.destroyed) return
  // Closed with a code instead, it would end before it is reset.
  const breakOff = (error: Error): void => void stream.destroy(error)
  const head = http1Head(fields, !stream.endAfterHeaders)
  if (head === undefined) {
    stream.close(constants.NGHTTP2_CONNECT_ERROR)
    return
  }

  const [near, far] = duplexPair()
  // When the server destroys its side, the other would wait for an end that does not come.
  far.once('close', () => near.destroy())
  const leave = (): void => {
    near.destroy()
    far.destroy()
  }
  stream.once('aborted', leave)
  stream.once('close', leave)
  server.emit('connection', far)

  const options = { ...head, createConnection: () => near, setHost: false, maxHeaderSize: MAX_ANSWER_HEAD_BYTES }
  const request = httpRequest(options)
  request.on('error', breakOff)
  request.on('information', ({ statusCode }) => {
    if (!stream.closed) stream.additionalHeaders({ ':status': statusCode })
  })
  request.on('response', (answer: IncomingMessage) => {
    answer.on('error', breakOff)
    if (stream.closed) return
    stream.respond(http2Fields(answer.statusCode ?? 0, answer.rawHeaders))
    answer.pipe(stream)
  })
  stream.once('finish', () => {
    // RFC 9113, section 8.1: the answer is whole, and the rest of the request is not wanted.
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  })

  stream.pipe(request, { end: false })
  stream.once('end', () => {
    // A stream that is reset ends too, but its request is not whole.
    if (!stream.aborted) request.end()
  })
}

/** A provider's, which has its own limit, and the gateway's. */
const MAX_ANSWER_HEAD_BYTES = 128 * 1024
