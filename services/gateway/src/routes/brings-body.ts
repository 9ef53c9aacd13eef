import type { IncomingMessage } from 'node:http'

/**
 * Returns whether a request has a body that goes on to the provider, as its head says. One of GET or HEAD means nothing, and is not sent on.
 * @see RFC 9110, section 9.3.1; RFC 9112, section 6.3
 */
export function bringsBody({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
