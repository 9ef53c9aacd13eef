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
  if (connection === undefined) throw new SluiceError('not_found', 'There is no such connection.')
  return connection
}

/** @throws SluiceError `version_conflict` unless `ifVersion` is absent or the connection's version */
export function requireVersion(connection: Connection, ifVersion: number | undefined): void {
  if (ifVersion !== undefined && ifVersion !== connection.version) {
    throw new SluiceError('version_conflict', `The connection has changed: its version is ${connection.version}.`)
  }
}
