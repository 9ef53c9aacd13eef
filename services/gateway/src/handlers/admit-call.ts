import type { IncomingMessage } from 'node:http'
import type { Connection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { withoutKey } from '../domain/presented-key.ts'
import { providerTarget } from '../domain/provider-target.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { authenticate } from './authenticate.ts'
import type { Call } from './call.ts'
import { usableConnection } from './usable-connection.ts'

export type Admission =
  | { readonly status: 'admitted'; readonly call: Call }
  /** `connection` is there where it was found, and with it the format to answer in. */
  | { readonly status: 'refused'; readonly error: GatewayError; readonly connection: Connection | undefined }

/** Decides from a request's head alone whether it may go on: key, connection, scope, operation. Asks nobody over the network. */
export function admitCall(
  plane: DataPlane,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
): Admission {
  const target = providerTarget(request.url ?? '')
  const connection = plane.connections.byName(connectionName)
  const refuse = (error: GatewayError): Admission => ({ status: 'refused', error, connection })

  const startedAtMs = plane.clock.nowMs()
  const apiKey = authenticate(plane, request, target?.query ?? '', startedAtMs)
  if ('code' in apiKey) return refuse(apiKey)
  const usable = usableConnection(connection, connectionName, apiKey)
  if ('code' in usable) return refuse(usable)

  const method = request.method ?? ''
  const operation = target && usable.adapter.operation(method, target.path)
  if (target === undefined || operation === undefined) return refuse(unsupported(method, usable.settings.provider))
  return {
    status: 'admitted',
    call: {
      requestId,
      startedAtMs,
      apiKeyId: apiKey.id,
      connection: usable,
      method,
      operation,
      query: withoutKey(target.query),
      headers: request.headers,
    },
  }
}

function unsupported(method: string, provider: string): GatewayError {
  return gatewayError('unsupported_operation', `${provider} has no operation ${method} at this path.`)
}
