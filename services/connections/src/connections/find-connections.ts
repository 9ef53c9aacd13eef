import {
  type listConnections as definition,
  type ReplyOf,
  type RequestOf,
  SluiceError,
  storableText,
} from '@sluice/contracts'
import { Type } from 'typebox'
import { validate as isUuid } from 'uuid'
import { DEFAULT_PAGE_SIZE, fromCursor, toPage } from '../paging.ts'
import { type Connection, toView } from './connection.ts'
import type { ConnectionStore } from './connection-store.ts'

/** The path parameters of every route of one connection. */
export const ConnectionParams = Type.Object({ id: Type.String() })

/** @throws SluiceError `not_found` */
export async function findConnection(store: Pick<ConnectionStore, 'find'>, id: string): Promise<Connection> {
  const connection = isUuid(id) ? await store.find(id) : undefined
  if (connection === undefined) throw notFound(id)
  return connection
}

/** Returns a page of connections by name. @throws SluiceError `invalid_request` for an invalid cursor */
export async function listConnections(
  store: Pick<ConnectionStore, 'list'>,
  { search, provider, limit = DEFAULT_PAGE_SIZE, cursor }: RequestOf<typeof definition>,
): Promise<ReplyOf<typeof definition>> {
  const found = await store.list({
    ...(search === undefined ? {} : { search: storableText(search, search.length) }),
    ...(provider === undefined ? {} : { provider }),
    ...(cursor === undefined ? {} : { afterName: fromCursor(cursor) }),
    limit: limit + 1,
  })
  return toPage(found, limit, toView, ({ name }) => name)
}

function notFound(id: string): SluiceError {
  if (isUuid(id)) return new SluiceError('not_found', `There is no connection with the id ${id}.`)
  if (id === '') {
    return new SluiceError('not_found', 'The id is missing. To list connections, omit the slash at the end.')
  }
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(id)
  const message = isName
    ? `"${id}" is not a connection id, which is a UUID. GET /api/v1/connections?search=${id} finds a connection by its name.`
    : 'A connection id is a UUID. GET /api/v1/connections?search=NAME finds a connection by its name.'
  return new SluiceError('not_found', message)
}
