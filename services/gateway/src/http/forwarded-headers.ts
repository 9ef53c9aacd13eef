import type { WireHeaders } from '@sluice/providers'
import { KEY_HEADERS } from '../admission/api-key.ts'

/** The request header that says for how many seconds a request may wait for its permit. */
export const MAX_WAIT_HEADER = 'x-sluice-max-wait'

/** A message's headers as Node takes them: names and values in turn. */
export type HeaderFields = (string | string[])[]

/** Removes every field called `name`, which is in lower case, from `fields`. A value is never mistaken for a name. */
export function removeField(fields: HeaderFields, name: string): void {
  for (let at = fields.length - 2; at >= 0; at -= 2) {
    if (String(fields[at]).toLowerCase() === name) fields.splice(at, 2)
  }
}

/**
 * Returns the headers to send upstream, names and values in turn: the caller's, except those of the hop between caller and gateway, its
 * credentials and those that `connectionHeaders` names; then `authHeaders`.
 */
export function requestHeaders(
  headers: WireHeaders,
  connectionHeaders: ReadonlySet<string>,
  authHeaders: Readonly<Record<string, string>>,
): string[] {
  const forwarded: string[] = []
  const named = namedByConnection(headers.connection)
  for (const name in headers) {
    if (NOT_SENT.has(name) || connectionHeaders.has(name) || named?.has(name)) continue
    const value = headers[name]
    if (value !== undefined) forwarded.push(name, typeof value === 'string' ? value : value.join(', '))
  }
  for (const name in authHeaders) forwarded.push(name, authHeaders[name] ?? '')
  // The response has to be read for its usage and passed on unchanged, so it is requested without compression.
  forwarded.push('accept-encoding', 'identity')
  return forwarded
}

/** Returns the provider's headers to respond with, names and values in turn: all but those of the hop between gateway and provider. */
export function responseHeaders(headers: WireHeaders): (string | string[])[] {
  const forwarded: (string | string[])[] = []
  const named = namedByConnection(headers.connection)
  for (const name in headers) {
    if (NOT_RETURNED.has(name) || named?.has(name)) continue
    const value = headers[name]
    if (value !== undefined) forwarded.push(name, value)
  }
  return forwarded
}

/** @see RFC 9110, section 7.6.1 */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

const NOT_SENT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...KEY_HEADERS,
  'authorization',
  'cookie',
  'host',
  'accept-encoding',
  // The length is that of the body that is sent; the wait for a 100 is over when the body is there.
  'content-length',
  'expect',
  // The provider does not need to know who called the gateway.
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  MAX_WAIT_HEADER,
])

/** Headers of the hop, and those that the gateway sets itself. */
const NOT_RETURNED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'set-cookie',
  'ratelimit',
  'ratelimit-policy',
  'x-sluice-connection',
  'x-sluice-source',
])

/** Returns further headers that the `Connection` header limits to this hop. */
function namedByConnection(connection: string | string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined
  return new Set(
    String(connection)
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}

/**
 * Returns a provider's reason phrase as it can be passed on: '' if it holds characters that none may (RFC 9112, section 4) and Node would
 * refuse to send. Clients ignore the phrase anyway.
 */
export function sendableReasonPhrase(phrase: string): string {
  return REASON_PHRASE.test(phrase) ? phrase : ''
}

const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/
