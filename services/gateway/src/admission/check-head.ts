import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** The longest that a request may wait for its permit. */
export const MAX_WAIT_MS = 600_000

/** The request header that says for how many seconds a request may wait. */
export const MAX_WAIT_HEADER = 'x-sluice-max-wait'

/**
 * How long a request may wait for its permit, in milliseconds: what its header says (seconds, with or without a fraction), or else
 * what the connection does. Undefined where the header is not a number from 0 to 600.
 */
export function maxWaitMs(header: string | string[] | undefined, connectionMaxWaitMs: number): number | undefined {
  if (header === undefined) return connectionMaxWaitMs
  if (typeof header !== 'string' || !/^\d{1,3}(\.\d{1,3})?$/.test(header)) return undefined
  const waitMs = Math.round(Number(header) * 1_000)
  return waitMs <= MAX_WAIT_MS ? waitMs : undefined
}

/**
 * Holds an admitted request to what HTTP/1.1 and HTTP/2 ask of its head, and to its method, by which it was admitted. Tells a sender
 * that waits for leave to send its body to go on. Returns the error to answer with where the head is not right.
 * @see RFC 9112, section 3.2, for `Host`; RFC 9110, section 10.1.1, for `Expect`
 */
export function checkHead(
  { headers, httpVersion }: IncomingMessage,
  response: ServerResponse,
): GatewayError | undefined {
  const { host, expect } = headers
  for (const name of METHOD_OVERRIDES) if (headers[name] !== undefined) return METHOD_OVERRIDDEN
  if (host !== undefined && expect === undefined) return undefined
  // HTTP/1.0 needs no host, and cannot be told to go on.
  if (httpVersion === '1.0') return undefined
  if (host === undefined) return NO_HOST
  if (expect?.toLowerCase() !== '100-continue') return UNKNOWN_EXPECTATION
  response.writeContinue()
  return undefined
}

/** With them, some servers do something else than the request's line says. */
const METHOD_OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const
const METHOD_OVERRIDDEN = gatewayError(
  'invalid_request',
  `The headers ${METHOD_OVERRIDES.join(', ')} are not served: send the request with the method that it means.`,
)
const NO_HOST = gatewayError('invalid_request', 'The request has no host header.')
const UNKNOWN_EXPECTATION: GatewayError = {
  ...gatewayError('invalid_request', 'The header expect takes nothing but "100-continue".'),
  status: 417,
}
