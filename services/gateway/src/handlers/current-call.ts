import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { administrationRefused } from './admit-call.ts'
import { hasExpired, NOT_VERIFIABLE, UNKNOWN_KEY } from './authenticate.ts'
import type { PreparedCall } from './call.ts'
import { modelRefusal } from './judge-models.ts'
import { usableConnection } from './usable-connection.ts'

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
