import { validate as isUuid } from 'uuid'
import type { ProjectionSource } from '../../ports/projection-source.ts'
import { fromApiKeyRow } from './api-key-store.ts'
import { fromRow, selectConnections } from './connection-rows.ts'
import type { Database } from './database.ts'

export function createProjectionSource(database: Database): ProjectionSource {
  return {
    connection: async (id) => {
      if (!isUuid(id)) return undefined
      const row = await database.run((db) => selectConnections(db).where('c.id', '=', id).executeTakeFirst())
      return row === undefined ? undefined : fromRow(row)
    },
    connections: async () => {
      const rows = await database.run((db) => selectConnections(db).execute())
      return rows.map(fromRow)
    },
    apiKey: async (hash) => {
      const row = await database.run((db) =>
        db.selectFrom('api_keys').selectAll().where('hash', '=', hash).executeTakeFirst(),
      )
      return row === undefined ? undefined : fromApiKeyRow(row)
    },
    apiKeys: async () => {
      const rows = await database.run((db) => db.selectFrom('api_keys').selectAll().execute())
      return rows.map(fromApiKeyRow)
    },
  }
}
