import type { IncomingMessage } from 'node:http'
import type { DataPlane } from '../data-plane.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { endsWithSpace, shownPath, unsupportedMessage } from '../http/path-hints.ts'
import type { Connections } from '../ports.ts'
import type { Call, PreparedCall } from '../relay/call.ts'
import { modelRefusal } from './allowed-models.ts'
import { withoutKey } from './api-key.ts'
import { authenticate, catchUp, hasExpired, mayBeOutdated, NOT_VERIFIABLE, UNKNOWN_KEY } from './authenticate.ts'
import type { Connection, UsableConnection } from './connection.ts'
import { usableConnection } from './usable-connection.ts'

/** What comes after the connection's name in a URL: the provider's own path and query. */
export interface ProviderTarget {
  /** Begins with a slash. */
  readonly path: string
  /** Without the question mark; empty where there is none. */
  readonly query: string
}

/**
 * The provider's part of `/connections/{name}/…`, byte for byte as it was sent. Undefined where it holds dot segments or
 * backslashes, with which a path could leave the provider's base URL; however often they are escaped, as servers behind servers each
 * may resolve escapes.
 */
export function providerTarget(url: string): ProviderTarget | undefined {
  const start = url.indexOf('/', PREFIX_LENGTH)
  const questionMark = url.indexOf('?', PREFIX_LENGTH)
  const end = questionMark < 0 ? url.length : questionMark
  if (start < 0 || start >= end) return undefined
  const path = url.slice(start, end)
  if (LEAVES_ITS_PLACE.test(path)) return undefined
  return { path, query: questionMark < 0 ? '' : url.slice(questionMark + 1) }
}

const PREFIX_LENGTH = '/connections/'.length
const LEAVES_ITS_PLACE =
  /\\|%(?:25)*5c|(?:\/|%(?:25)*2f)(?:\.|%(?:25)*2e){1,2}(?:[/;]|%(?:25)*(?:2f|3b|3f|23|20|09|0a|0d|00)|$)/i

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

/**
 * Holds a call that has waited to what is true now: its API key, its connection, the models that are allowed. Gives the same call where
 * nothing has changed; one that goes to where the connection leads now, with the settings of now; or why it may no longer go on.
 */
export function currentCall<C extends PreparedCall>(
  { projections, apiKeys, connections, clock }: DataPlane,
  call: C,
): C | GatewayError {
  const { apiKey, connection, inspection, naming } = call
  if (!projections.areCurrent()) return NOT_VERIFIABLE
  const currentKey = apiKeys.byHash(apiKey.hash)
  if (currentKey === undefined || hasExpired(currentKey, clock.nowMs())) return UNKNOWN_KEY
  const { name, id } = connection.settings
  const found = connections.byName(name)
  if (found === connection && currentKey === apiKey) return call

  const usable = usableConnection(found, name, currentKey)
  if ('code' in usable) return usable
  // It was deleted or has another name now, and another one has its name.
  if (usable.settings.id !== id)
    return gatewayError('connection_not_found', `There is no connection "${name}" any more.`)
  const current = { ...call, apiKey: currentKey, connection: usable }
  if (call.operation.administers && usable.settings.allowAdministration !== true)
    return administrationRefused(name, call.method, call.operation.path)
  // Where models were not told apart before, the one that it names is known.
  return modelRefusal(current, naming ?? { models: [inspection.model] }) ?? current
}
