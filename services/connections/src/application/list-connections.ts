import {
  type ConnectionView,
  type listConnections as definition,
  type ReplyOf,
  type RequestOf,
  storableText,
} from '@sluice/contracts'
import { toView } from '../domain/connection.ts'
import { fromCursor, toCursor } from '../domain/list-cursor.ts'
import type { ApplicationDeps } from './deps.ts'

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
