import { SluiceError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import type { Connection } from '../domain/connection.ts'
import type { ApplicationDeps } from './deps.ts'

/** @throws SluiceError `not_found` */
export async function findConnection(
  { connections }: Pick<ApplicationDeps, 'connections'>,
  id: string,
): Promise<Connection> {
  const connection = isUuid(id) ? await connections.find(id) : undefined
  if (connection === undefined) throw notFound(id)
  return connection
}

/** @throws SluiceError `version_conflict` unless `ifVersion` is absent or the connection's version */
export function requireVersion(connection: Connection, ifVersion: number | undefined): void {
  if (ifVersion !== undefined && ifVersion !== connection.version) {
    const message =
      `The connection has changed: its version is ${connection.version}, and If-Match asks for ${ifVersion}. Read it again, and repeat the ` +
      `change with If-Match: "${connection.version}".`
    throw new SluiceError('version_conflict', message)
  }
}

function notFound(id: string): SluiceError {
  if (isUuid(id)) return new SluiceError('not_found', `There is no connection with the id ${id}.`)
  if (id === '')
    return new SluiceError('not_found', 'The id is missing: without the slash at its end, the path lists connections.')
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(id)
  const message = isName
    ? `"${id}" is not the id of a connection, which is a UUID. GET /api/v1/connections?search=${id} finds a connection by its name.`
    : 'The id of a connection is a UUID. GET /api/v1/connections?search=NAME finds a connection by its name.'
  return new SluiceError('not_found', message)
}
