import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'

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
