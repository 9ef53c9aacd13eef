import { refusesCredential, type WireHeaders } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { Call } from '../relay/call.ts'

/**
 * Returns whether a provider's error is about the connection's credential, and not about one that the application sent besides in a header or
 * the query by which the known providers, or gateways before them, authenticate.
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
  for (const name of AUTHENTICATING_HEADERS) {
    if (headers[name] !== undefined && !isOfTheHop(headers, name)) return true
  }
  return query !== '' && query.split('&').some((parameter) => AUTHENTICATING_PARAMETERS.has(parameterName(parameter)))
}

/** Whether a header is said to be for the hop to the gateway alone, and goes no further. */
function isOfTheHop({ connection }: WireHeaders, name: string): boolean {
  if (connection === undefined) return false
  return String(connection)
    .toLowerCase()
    .split(',')
    .some((named) => named.trim() === name)
}

/** Google's API takes `%61ccess_token` for the same name; the gateway's own key is off the query by now. */
function parameterName(parameter: string): string {
  const name = parameter.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(name).toLowerCase()
  } catch {
    // Not decodable, so no name that a server would take for another.
    return name.toLowerCase()
  }
}

/**
 * Of those that go on to the provider: Azure API Management's, Portkey's, Helicone's, Cloudflare's and LiteLLM's, and the one that OpenStack
 * made common. Proxies before the gateway add none of them to every request, as they do `x-amzn-oidc-accesstoken`.
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
