import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import type { RawRequest } from './send-request.ts'

export interface Http2Response {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The code with which the stream was closed; 0 for a complete response. */
  readonly resetCode: number
}

/** Sends one request on a session that others may share; resolves however it ends. */
export async function sendHttp2Request(
  session: ClientHttp2Session,
  path: string,
  request: RawRequest = {},
): Promise<Http2Response> {
  const stream = openStream(session, path, request)
  const pieces: Buffer[] = []
  let headers: IncomingHttpHeaders & IncomingHttpStatusHeader = {}
  stream.on('response', (received) => {
    headers = received
  })
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.end(request.body)
  await closed(stream)
  return { status: headers[':status'], headers, body: Buffer.concat(pieces), resetCode: stream.rstCode }
}

/** Opens a stream, whose request the caller has to end. */
export function openStream(
  session: ClientHttp2Session,
  path: string,
  { method = 'GET', headers = {} }: RawRequest = {},
): ClientHttp2Stream {
  const stream = session.request({ ':path': path, ':method': method, ...headers }, { endStream: false })
  // The caller looks at how the stream closed.
  stream.on('error', () => undefined)
  return stream
}

/** Resolves when the stream is closed, with its code. */
export async function closed(stream: ClientHttp2Stream): Promise<number> {
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve))
  return stream.rstCode
}

/** Resolves with the headers of the response. */
export async function responseHeaders(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return headers
}
