import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'
import type { RawRequest } from './exchange.ts'

export interface Http2Response {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** What the stream was closed with: 0 for a whole answer. */
  readonly resetCode: number
}

/** One exchange on a session that others may use too; resolves however it ends. */
export async function http2Exchange(
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

/** A stream whose request is still to be ended. */
export function openStream(
  session: ClientHttp2Session,
  path: string,
  { method = 'GET', headers = {} }: RawRequest = {},
): ClientHttp2Stream {
  const stream = session.request({ ':path': path, ':method': method, ...headers }, { endStream: false })
  // Whoever opened it looks at how it closed.
  stream.on('error', () => undefined)
  return stream
}

/** Resolves when the stream is over, with the code that it was closed with. */
export async function closed(stream: ClientHttp2Stream): Promise<number> {
  if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve))
  return stream.rstCode
}

/** The head of the answer. */
export async function responseHeaders(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return headers
}
