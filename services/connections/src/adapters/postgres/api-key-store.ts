import type { Insertable, Selectable } from 'kysely'
import { type ApiKey, toApiKeyView } from '../../domain/api-key.ts'
import type { ApiKeyStore } from '../../ports/api-key-store.ts'
import type { Database } from './database.ts'
import { audit, enqueue } from './record-change.ts'
import type { ApiKeyTable } from './tables.ts'

/** API keys in PostgreSQL. `onCommitted` is told after each change, so that the outbox is published at once. */
export function createApiKeyStore(database: Database, onCommitted: () => void): ApiKeyStore {
  return {
    list: async () => {
      const rows = await database.run((db) =>
        db.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('id').execute(),
      )
      return rows.map(fromApiKeyRow)
    },
    insert: async (key, actor) => {
      await database.transaction(async (trx) => {
        await trx.insertInto('api_keys').values(toApiKeyRow(key)).execute()
        await audit(trx, { actor, action: 'api-key.created', subjectId: key.id, after: toApiKeyView(key) })
        await enqueue(trx, 'api-key', key.hash)
      })
      onCommitted()
    },
    remove: async (id, actor) => {
      const isRemoved = await database.transaction(async (trx) => {
        const row = await trx.deleteFrom('api_keys').where('id', '=', id).returningAll().executeTakeFirst()
        if (row === undefined) return false
        const before = toApiKeyView(fromApiKeyRow(row))
        await audit(trx, { actor, action: 'api-key.revoked', subjectId: id, before })
        await enqueue(trx, 'api-key', row.hash)
        return true
      })
      if (isRemoved) onCommitted()
      return isRemoved
    },
  }
}

export function fromApiKeyRow(row: Selectable<ApiKeyTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    connections: row.connections.ids,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
  }
}

function toApiKeyRow(key: ApiKey): Insertable<ApiKeyTable> {
  return {
    id: key.id,
    name: key.name,
    hash: key.hash,
    connections: JSON.stringify({ ids: key.connections }),
    expires_at: key.expiresAt ?? null,
    created_at: key.createdAt,
  }
}
