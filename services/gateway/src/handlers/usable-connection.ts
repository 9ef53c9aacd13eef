import type { ApiKey } from '../domain/api-key.ts'
import type { Connection, UsableConnection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'

/** The connection if the key may use it and it can take requests; or why not. @param name as the request has it */
export function usableConnection(
  connection: Connection | undefined,
  name: string,
  apiKey: ApiKey,
): UsableConnection | GatewayError {
  if (connection === undefined) return gatewayError('connection_not_found', `There is no connection "${name}".`)
  const { settings } = connection
  if (!apiKey.allows(settings.id)) {
    return gatewayError('connection_forbidden', `The API key may not use connection "${settings.name}".`)
  }
  if (!settings.enabled) return gatewayError('connection_disabled', `Connection "${settings.name}" is disabled.`)
  return 'fault' in connection ? connection.fault : connection
}
