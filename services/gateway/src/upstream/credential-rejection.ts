import { rejectsCredential, type WireHeaders } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { Call } from '../relay/call.ts'

/**
 * Returns whether a provider's error is about the connection's credential, and not about another one that the application sent in a header
 * or query parameter with which known providers, or gateways before them, authenticate.
 * @param error its body is not compressed
 */
export function isCredentialRejection(
  { connection, headers, query }: Pick<Call, 'connection' | 'headers' | 'query'>,
  error: { readonly status: number; readonly headers: WireHeaders; readonly body: Buffer },
): boolean {
  return rejectsCredential(connection.settings.provider, error) && !bringsCredential(headers, query)
}

/** Returns the error response for a rejected credential, without the provider's message or any part of the credential. */
export function credentialRejected({ connection }: Pick<Call, 'connection'>, status: number): GatewayError {
  const { name } = connection.settings
  const message =
    `The provider of connection "${name}" rejected the connection's credential (HTTP ${status}). ` +
    'The API key of this request is valid: an operator has to replace the credential of the connection.'
  return gatewayError('upstream_credential_rejected', message)
}

function bringsCredential(headers: WireHeaders, query: string): boolean {
  for (const name of AUTHENTICATING_HEADERS) {
    if (headers[name] !== undefined && !isOfTheHop(headers, name)) return true
  }
  return query !== '' && query.split('&').some((parameter) => AUTHENTICATING_PARAMETERS.has(parameterName(parameter)))
}

/** Returns whether the `connection` header limits a header to the hop to the gateway, which does not forward it. */
function isOfTheHop({ connection }: WireHeaders, name: string): boolean {
  if (connection === undefined) return false
  return String(connection)
    .toLowerCase()
    .split(',')
    .some((named) => named.trim() === name)
}

/** Decodes a parameter's name: Google's API reads `%61ccess_token` as `access_token`. The gateway's own key is removed already. */
function parameterName(parameter: string): string {
  const name = parameter.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(name).toLowerCase()
  } catch {
    // A name that cannot be decoded is no other name in disguise.
    return name.toLowerCase()
  }
}

/**
 * Headers that are forwarded to the provider: those of Azure API Management, Portkey, Helicone, Cloudflare and LiteLLM, and OpenStack's. No
 * proxy before the gateway adds them to every request, unlike `x-amzn-oidc-accesstoken`.
 */
const AUTHENTICATING_HEADERS = [
  'ocp-apim-subscription-key',
  'x-portkey-api-key',
  'helicone-auth',
  'cf-aig-authorization',
  'x-litellm-api-key',
  'x-auth-token',
] as const
const AUTHENTICATING_PARAMETERS: ReadonlySet<string> = new Set([
  'access_token',
  'oauth_token',
  'api_key',
  'api-key',
  'apikey',
  'subscription-key',
])
