import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_WAIT_HEADER } from '../http/forwarded-headers.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { ok, type Result, refused } from '../result.ts'
import type { UsableConnection } from './connection.ts'

/** The longest that a request may wait for its permit. */
export const MAX_WAIT_MS = 600_000

/** Returns how long a request may wait for its permit, in milliseconds: as its header says, or else its connection. */
export function waitOf({ settings }: UsableConnection, { headers }: IncomingMessage): Result<number> {
  const waitMs = maxWaitMs(headers[MAX_WAIT_HEADER], settings.maxWaitMs)
  return waitMs === undefined ? BAD_MAX_WAIT : ok(waitMs)
}

/**
 * Returns how long a request may wait for its permit, in milliseconds: the header in seconds, with or without a fraction, or else the
 * connection's default. Returns undefined if the header is not a number from 0 to 600.
 */
export function maxWaitMs(header: string | string[] | undefined, connectionMaxWaitMs: number): number | undefined {
  if (header === undefined) return connectionMaxWaitMs
  if (typeof header !== 'string' || !/^\d{1,3}(\.\d{1,3})?$/.test(header)) return undefined
  const waitMs = Math.round(Number(header) * 1_000)
  return waitMs <= MAX_WAIT_MS ? waitMs : undefined
}

/**
 * Checks that an admitted request's head is as HTTP/1.1 and HTTP/2 require, and that no header overrides the method by which it was admitted.
 * Sends `100 Continue` if the client waits for it. Returns the error to respond with, or undefined.
 * @see RFC 9112, section 3.2, for `Host`; RFC 9110, section 10.1.1, for `Expect`
 */
export function checkHead(
  { headers, httpVersion }: IncomingMessage,
  response: ServerResponse,
): GatewayError | undefined {
  const { host, expect } = headers
  for (const name of METHOD_OVERRIDES) if (headers[name] !== undefined) return METHOD_OVERRIDDEN
  if (host !== undefined && expect === undefined) return undefined
  // HTTP/1.0 needs no host, and has no 100 Continue.
  if (httpVersion === '1.0') return undefined
  if (host === undefined) return NO_HOST
  if (expect?.toLowerCase() !== '100-continue') return UNKNOWN_EXPECTATION
  response.writeContinue()
  return undefined
}

/** Some servers take the method from these headers instead of the request line. */
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
const BAD_MAX_WAIT = refused(
  gatewayError(
    'invalid_request',
    `The header ${MAX_WAIT_HEADER} takes a number of seconds from 0 to ${MAX_WAIT_MS / 1_000}.`,
  ),
)
