import type { IncomingMessage } from 'node:http'
import { hashAccessToken } from '@sluice/service-kit'
import type { Connection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { presentedKey, withoutKey } from '../domain/presented-key.ts'
import { providerTarget } from '../domain/provider-target.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { Call } from './call.ts'

export type Admission =
  | { readonly status: 'admitted'; readonly call: Call }
  /** `connection` is there where it was found, and with it the format to answer in. */
  | { readonly status: 'refused'; readonly error: GatewayError; readonly connection: Connection | undefined }

/** Decides from a request's head alone whether it may go on: key, connection, scope, operation. Asks nobody over the network. */
export function admitCall(
  { apiKeys, connections, clock }: DataPlane,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
): Admission {
  const url = request.url ?? ''
  const target = providerTarget(url)
  const connection = connections.byName(connectionName)
  const refuse = (error: GatewayError): Admission => ({ status: 'refused', error, connection })

  const startedAtMs = clock.nowMs()
  const key = presentedKey(request.headers, target?.query ?? '')
  const apiKey = key === undefined ? undefined : apiKeys.byHash(hashAccessToken(key))
  if (apiKey === undefined) return refuse(key === undefined ? NO_KEY : UNKNOWN_KEY)
  if (apiKey.expiresAtMs !== undefined && apiKey.expiresAtMs <= startedAtMs) return refuse(UNKNOWN_KEY)

  if (connection === undefined) return refuse(notFound(connectionName))
  const { settings, adapter } = connection
  if (!apiKey.allows(settings.id)) return refuse(forbidden(settings.name))
  if (!settings.enabled) return refuse(disabled(settings.name))
  if ('fault' in connection) return refuse(connection.fault)

  const method = request.method ?? ''
  const operation = target && adapter?.operation(method, target.path)
  if (target === undefined || operation === undefined) return refuse(unsupported(method, settings.provider))
  return {
    status: 'admitted',
    call: { requestId, startedAtMs, apiKeyId: apiKey.id, connection, operation, query: withoutKey(target.query) },
  }
}

const NO_KEY = gatewayError(
  'invalid_api_key',
  'No API key was given. Send one as the provider\'s SDK does, for example "Authorization: Bearer slc_…".',
)
const UNKNOWN_KEY = gatewayError('invalid_api_key', 'The API key is not valid: it is unknown, expired or revoked.')

function notFound(name: string): GatewayError {
  return gatewayError('connection_not_found', `There is no connection "${name}".`)
}

function forbidden(name: string): GatewayError {
  return gatewayError('connection_forbidden', `The API key may not use connection "${name}".`)
}

function disabled(name: string): GatewayError {
  return gatewayError('connection_disabled', `Connection "${name}" is disabled.`)
}

function unsupported(method: string, provider: string): GatewayError {
  return gatewayError('unsupported_operation', `${provider} has no operation ${method} at this path.`)
}
