import type { IncomingMessage } from 'node:http'
import type { Connection, UsableConnection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { endsWithSpace, shownPath, unsupportedMessage } from '../domain/path-hints.ts'
import { withoutKey } from '../domain/presented-key.ts'
import { providerTarget } from '../domain/provider-target.ts'
import type { Connections } from '../ports/connections.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { authenticate, catchUp, mayBeOutdated } from './authenticate.ts'
import type { Call } from './call.ts'
import { usableConnection } from './usable-connection.ts'

export type Admission =
  | { readonly status: 'admitted'; readonly call: Call }
  /** `connection` is there where it was found, and with it the format to answer in. */
  | { readonly status: 'refused'; readonly error: GatewayError; readonly connection: Connection | undefined }

/**
 * Decides from a request's head alone whether it may go on: key, connection, scope, operation. Asks nobody over the network, unless it would
 * refuse what may have been made a moment ago: then it looks again once this gateway knows what was written by now.
 */
export function admitCall(
  plane: DataPlane,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
): Admission | Promise<Admission> {
  const admission = admitKnown(plane, request, connectionName, requestId)
  if (admission.status === 'admitted') return admission
  const query = providerTarget(request.url ?? '')?.query ?? ''
  if (!mayBeOutdated(admission.error, request, query)) return admission
  return catchUp(plane).then((busy) =>
    busy === undefined
      ? admitKnown(plane, request, connectionName, requestId, plane.connections)
      : { ...admission, error: busy },
  )
}

/** @param suggested of which one is named where the connection is unknown */
function admitKnown(
  plane: DataPlane,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
  suggested?: Connections,
): Admission {
  const target = providerTarget(request.url ?? '')
  const connection = plane.connections.byName(connectionName)
  const refuse = (error: GatewayError): Admission => ({ status: 'refused', error, connection })

  const startedAtMs = plane.clock.nowMs()
  const apiKey = authenticate(plane, request, target?.query ?? '', startedAtMs)
  if ('code' in apiKey) return refuse(apiKey)
  const usable = usableConnection(connection, connectionName, apiKey, suggested)
  if ('code' in usable) return refuse(usable)

  const method = request.method ?? ''
  const operation = target && usable.adapter.operation(method, target.path, usable.basePath)
  if (target === undefined || operation === undefined) {
    return refuse(unsupported(usable, method, target?.path ?? ''))
  }
  if (operation.administers && usable.settings.allowAdministration !== true) {
    return refuse(administrationRefused(usable.settings.name, method, operation.path))
  }
  if (endsWithSpace(target.path)) return refuse(unsupported(usable, method, target.path))
  return {
    status: 'admitted',
    call: {
      requestId,
      startedAtMs,
      apiKey,
      connection: usable,
      method,
      operation,
      query: withoutKey(target.query),
      headers: request.headers,
    },
  }
}

export function administrationRefused(connection: string, method: string, path: string): GatewayError {
  const message =
    `${method} ${shownPath(path)} hands out credentials of the provider's account, or administers it. ` +
    `Connection "${connection}" refuses it unless its setting allowAdministration is true.`
  return gatewayError('administration_not_allowed', message)
}

function unsupported({ settings }: UsableConnection, method: string, path: string): GatewayError {
  return gatewayError('unsupported_operation', unsupportedMessage(settings.provider, settings.name, method, path))
}
