import {
  type ConnectionView,
  type listConnections as definition,
  type ReplyOf,
  type RequestOf,
  SluiceError,
  storableText,
} from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import type { ApplicationDeps } from '../deps.ts'
import { fromCursor, toCursor } from '../paging.ts'
import { type Connection, toView } from './connection.ts'

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

/** A page of connections by name. @throws SluiceError `invalid_request` for a cursor that is none */
export async function listConnections(
  { connections }: Pick<ApplicationDeps, 'connections'>,
  { search, provider, limit = DEFAULT_LIMIT, cursor }: RequestOf<typeof definition>,
): Promise<ReplyOf<typeof definition>> {
  const found = await connections.list({
    ...(search === undefined ? {} : { search: storableText(search, search.length) }),
    ...(provider === undefined ? {} : { provider }),
    ...(cursor === undefined ? {} : { afterName: fromCursor(cursor) }),
    limit: limit + 1, // One more than asked for tells whether there is a next page.
  })
  const items: ConnectionView[] = found.slice(0, limit).map(toView)
  const last = items.at(-1)
  return found.length > limit && last !== undefined ? { items, nextCursor: toCursor(last.name) } : { items }
}

const DEFAULT_LIMIT = 50
