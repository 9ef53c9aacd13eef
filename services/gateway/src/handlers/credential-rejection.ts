import { refusesCredential, type WireHeaders } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import type { Call } from './call.ts'

/**
 * Returns whether a provider's error is about the connection's credential, and not about one that the application sent besides in a header or
 * the query.
 * @param body the error's, not compressed
 */
export function rejectsCredential(
  { connection, headers, query }: Pick<Call, 'connection' | 'headers' | 'query'>,
  error: { readonly status: number; readonly headers: WireHeaders; readonly body: Buffer },
): boolean {
  return refusesCredential(connection.settings.provider, error) && !bringsCredential(headers, query)
}

/** What the application is told: neither the provider's words nor any part of the credential. */
export function credentialRejected({ connection }: Pick<Call, 'connection'>, status: number): GatewayError {
  const { name } = connection.settings
  const message =
    `The provider of connection "${name}" rejected the connection's credential (HTTP ${status}). ` +
    'The API key of this request is valid: an operator has to give the connection a new credential.'
  return gatewayError('upstream_credential_rejected', message)
}

function bringsCredential(headers: WireHeaders, query: string): boolean {
  for (const name in headers) if (CREDENTIAL.test(name) && !NOT_SENT_ON.has(name)) return true
  return query.split('&').some((parameter) => {
    const name = parameter.split('=', 1)[0] ?? ''
    return (CREDENTIAL.test(name) || name.includes('%')) && !PAGE.test(name)
  })
}

const CREDENTIAL = /auth|token|secret|credential|signature|password|(?:api|access|subscription)[-_]?key/i
/** Where a list of models or files goes on. */
const PAGE = /^(?:page|next|continuation)_?token$/i
/** Google's API takes `%61ccess_token` for the same name; the gateway's own key is off the query by now. */
const NOT_SENT_ON: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
])
