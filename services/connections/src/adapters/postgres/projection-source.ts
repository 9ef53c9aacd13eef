import { sql } from 'kysely'
import { validate as isUuid } from 'uuid'
import type { ProjectionSource } from '../../ports/projection-source.ts'
import { fromApiKeyRow } from './api-key-store.ts'
import { fromRow, selectConnections } from './connection-rows.ts'
import type { Database } from './database.ts'

/** One parameter, however many values. */
function anyOf(values: readonly string[], type: 'uuid[]' | 'text[]') {
  return sql<string>`any(${values}::${sql.raw(type)})`
}

export function createProjectionSource(database: Database): ProjectionSource {
  return {
    connections: async (ids) => {
      const rows = await database.run((db) => {
        const query = selectConnections(db)
        return (ids === undefined ? query : query.where('c.id', '=', anyOf(ids.filter(isUuid), 'uuid[]'))).execute()
      })
      return rows.map(fromRow)
    },
    apiKeys: async (hashes) => {
      const rows = await database.run((db) => {
        const query = db.selectFrom('api_keys').selectAll()
        return (hashes === undefined ? query : query.where('hash', '=', anyOf(hashes, 'text[]'))).execute()
      })
      return rows.map(fromApiKeyRow)
    },
  }
}
