import type { IncomingMessage } from 'node:http'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { endsWithSpace, shownPath, unsupportedMessage } from '../http/path-hints.ts'
import type { Clock, Connections } from '../ports.ts'
import type { Call, InspectedCall } from '../relay/call.ts'
import { ok, type Refused, type Result, refused } from '../result.ts'
import { modelRefusal } from './allowed-models.ts'
import { withoutKey } from './api-key.ts'
import { type ApiKeyDeps, authenticate, stillValidKey } from './authenticate.ts'
import { catchUp, mayBeOutdated } from './catch-up.ts'
import type { Connection, UsableConnection } from './connection.ts'
import { checkAccess } from './connection-access.ts'
import { providerTarget } from './provider-target.ts'

export interface AdmissionDeps extends ApiKeyDeps {
  readonly connections: Connections
  readonly clock: Clock
}

/** A call that was admitted, or why it was not; with its connection where there is one, as that decides the format of the error. */
export type Admission =
  | { readonly status: 'ok'; readonly value: Call }
  | (Refused & { readonly connection: Connection | undefined })

/**
 * Decides from a request's head alone whether it may go on: key, connection, scope, operation. Needs no network, unless it would refuse
 * what may have been created a moment ago: then it decides again once this gateway knows what was written by now.
 */
export function admitCall(
  deps: AdmissionDeps,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
): Admission | Promise<Admission> {
  const admission = admitKnown(deps, request, connectionName, requestId)
  if (admission.status === 'ok') return admission
  const query = providerTarget(request.url ?? '')?.query ?? ''
  if (!mayBeOutdated(admission, request, query)) return admission
  return catchUp(deps).then((busy) =>
    busy === undefined
      ? admitKnown(deps, request, connectionName, requestId, deps.connections)
      : { ...admission, error: busy },
  )
}

/** Admits a request by what this gateway knows now. @param suggested searched for the nearest name if the connection is unknown */
function admitKnown(
  deps: AdmissionDeps,
  request: IncomingMessage,
  connectionName: string,
  requestId: string,
  suggested?: Connections,
): Admission {
  const target = providerTarget(request.url ?? '')
  const connection = deps.connections.byName(connectionName)
  const refuse = (error: GatewayError): Admission => ({ status: 'refused', error, connection })

  const startedAtMs = deps.clock.nowMs()
  const authenticated = authenticate(deps, request, target?.query ?? '', startedAtMs)
  if (authenticated.status !== 'ok') return { ...authenticated, connection }
  const apiKey = authenticated.value
  const found = checkAccess(connection, connectionName, apiKey, suggested)
  if (found.status !== 'ok') return { ...found, connection }
  const usable = found.value

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
    status: 'ok',
    value: {
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

/**
 * Admits a call again that has waited, by the current API key, connection and allowed models. Returns the same call if nothing has changed;
 * otherwise one that goes to the connection's current upstream, with its current settings.
 */
export function admitAgain<C extends InspectedCall>(deps: AdmissionDeps, call: C): Result<C> {
  const { apiKey, connection, inspection, naming } = call
  const key = stillValidKey(deps, apiKey.hash, deps.clock.nowMs())
  if (key.status !== 'ok') return key
  const { name, id } = connection.settings
  const found = deps.connections.byName(name)
  if (found === connection && key.value === apiKey) return ok(call)

  const usable = checkAccess(found, name, key.value)
  if (usable.status !== 'ok') return usable
  const { settings } = usable.value
  // It was deleted or renamed, and another connection has its name now.
  if (settings.id !== id)
    return refused(gatewayError('connection_not_found', `There is no connection "${name}" any more.`))
  const current = { ...call, apiKey: key.value, connection: usable.value }
  if (call.operation.administers && settings.allowAdministration !== true) {
    return refused(administrationRefused(name, call.method, call.operation.path))
  }
  // If models were not distinguished before, only the model of the inspection is known.
  const error = modelRefusal(current, naming ?? { models: [inspection.model] })
  return error === undefined ? ok(current) : refused(error)
}

function administrationRefused(connection: string, method: string, path: string): GatewayError {
  const message =
    `${method} ${shownPath(path)} hands out credentials of the provider's account, or administers it. ` +
    `Connection "${connection}" refuses it unless its setting allowAdministration is true.`
  return gatewayError('administration_not_allowed', message)
}

function unsupported({ settings }: UsableConnection, method: string, path: string): GatewayError {
  return gatewayError('unsupported_operation', unsupportedMessage(settings.provider, settings.name, method, path))
}
