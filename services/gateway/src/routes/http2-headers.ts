import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'

/** A request's head as HTTP/1.1 has it. */
export interface Http1Head {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[]>>
}

/**
 * Says the head of an HTTP/2 request in HTTP/1.1, with its body's framing. Gives undefined for `CONNECT`, which has no path.
 * @see RFC 9113, sections 8.2 and 8.3; what is malformed by them, connection headers included, has been refused by Node
 */
export function http1Head(fields: IncomingHttpHeaders, hasBody: boolean): Http1Head | undefined {
  const { ':method': method, ':path': path, ':authority': authority } = fields
  if (method === undefined || path === undefined || method === 'CONNECT') return undefined
  const headers: Record<string, string | string[]> = {}
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined && !name.startsWith(':')) headers[name] = value
  }
  if (authority !== undefined) headers.host = authority
  if (headers['content-length'] === undefined) {
    if (hasBody) headers['transfer-encoding'] = 'chunked'
    else if (!BODILESS_METHODS.has(method)) headers['content-length'] = '0'
  }
  return { method, path, headers }
}

/**
 * Says the head of an HTTP/1.1 answer in HTTP/2; what is of the connection alone is left out.
 * @param rawHeaders names and values in turn
 */
export function http2Fields(status: number, rawHeaders: readonly string[]): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    if (CONNECTION_FIELDS.has(name)) continue
    const earlier = fields[name]
    if (earlier === undefined) fields[name] = value
    else if (typeof earlier === 'string') fields[name] = [earlier, value]
    else earlier.push(value)
  }
  return { ...fields, ':status': status }
}

/** For these, Node frames no body unless told to. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'])
/** RFC 9113, section 8.2.2. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
