import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'

/** A request's head as the routes know it from HTTP/1.1. */
export interface Http1Head {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[]>>
}

/**
 * Translates the head of an HTTP/2 request into that of HTTP/1.1, which says by `transfer-encoding` that a body of unknown length
 * follows. No pseudo-header is left in it. Returns undefined for `CONNECT`, which has no path.
 * @param fields what is malformed in them, connection headers included, has been refused by Node
 * @see RFC 9113, sections 8.2 and 8.3
 */
export function http1Head(fields: IncomingHttpHeaders, hasBody: boolean): Http1Head | undefined {
  const { ':method': method, ':path': path, ':authority': authority } = fields
  if (method === undefined || path === undefined || method === 'CONNECT') return undefined
  // As Node drops a field called `__proto__` of HTTP/1.1: text is no prototype.
  const headers: Record<string, string | string[]> = {}
  for (const name in fields) {
    const value = fields[name]
    if (value !== undefined && !name.startsWith(':')) headers[name] = value
  }
  if (authority !== undefined) headers.host = authority
  if (hasBody && headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked'
  return { method, path, headers }
}

/**
 * Returns how long a request's head is, in bytes, as HTTP/1.1 counts its header limit.
 * @param rawFields names and values in turn
 */
export function headBytes(rawFields: readonly string[]): number {
  return rawFields.reduce((bytes, text) => bytes + text.length, 0)
}

/**
 * Translates the head of an HTTP/1.1 response into that of HTTP/2. Fields of the connection alone are left out.
 * @param fields names and values in turn; a value may be several, each a field of its own
 */
export function http2Fields(status: number, fields: readonly (string | readonly string[])[]): OutgoingHttpHeaders {
  const merged: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = String(fields[at]).toLowerCase()
    const value = fields[at + 1] ?? ''
    if (CONNECTION_FIELDS.has(name)) continue
    const before = merged[name] ?? []
    const all = [before, value].flat()
    merged[name] = all.length === 1 ? (all[0] ?? '') : all
  }
  return { ...merged, ':status': status }
}

/** RFC 9113, section 8.2.2; Node throws for each of them. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])
