import { didYouMean } from '@sluice/contracts'
import { gatewayError } from '../http/gateway-error.ts'
import type { Connections } from '../ports.ts'
import { ok, type Refused, type Result, refused } from '../result.ts'
import type { ApiKey } from './api-key.ts'
import type { Connection, UsableConnection } from './connection.ts'

/**
 * Returns the connection if the key may use it and it can take requests.
 * @param connection the connection of that name, if there is one
 * @param name as the request has it
 * @param connections searched for the nearest name that the key may use; leave it out if the refusal is not shown, as this takes time
 */
export function checkAccess(
  connection: Connection | undefined,
  name: string,
  apiKey: ApiKey,
  connections?: Connections,
): Result<UsableConnection, Refused> {
  if (connection === undefined) return notFound(name, apiKey, connections)
  const { settings } = connection
  if (!apiKey.allows(settings.id)) {
    const message = `The API key may not use connection "${settings.name}". An operator can let it, with PATCH /api/v1/api-keys/${apiKey.id}.`
    return refused(gatewayError('connection_forbidden', message))
  }
  if (!settings.enabled) {
    const message = `Connection "${settings.name}" is disabled. An operator can enable it again.`
    return refused(gatewayError('connection_disabled', message))
  }
  return 'fault' in connection ? refused(connection.fault) : ok(connection)
}

/** Returns the names of at most `most` connections that a key may use and that take requests, in no order. */
export function accessibleNames(apiKey: ApiKey, connections: Connections, most = Number.POSITIVE_INFINITY): string[] {
  const names: string[] = []
  for (const { settings } of connections.all()) {
    if (names.length >= most) break
    if (settings.enabled && apiKey.allows(settings.id)) names.push(settings.name)
  }
  return names
}

function notFound(name: string, apiKey: ApiKey, connections: Connections | undefined): Refused {
  const shown = name.slice(0, MAX_NAME_CHARS)
  const near =
    connections === undefined ? '' : didYouMean(shown.trim(), accessibleNames(apiKey, connections, MAX_COMPARED))
  return refused(gatewayError('connection_not_found', `There is no connection "${shown}"${near === '' ? '.' : near}`))
}

/** A connection's name has 63 at most. */
const MAX_NAME_CHARS = 100
const MAX_COMPARED = 1_000
