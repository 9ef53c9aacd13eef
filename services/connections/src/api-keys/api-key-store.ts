import { ApiKeyInput } from '@sluice/contracts'
import { readStored } from '@sluice/postgres'
import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import { type Actor, difference } from '../audit/audit-entry.ts'
import { audit } from '../audit/audit-log.ts'
import { enqueue } from '../bus/outbox.ts'
import type { Database } from '../database/database.ts'
import type { ApiKeyTable, Tables } from '../database/tables.ts'
import { type ApiKey, restrictsApiKey, toApiKeyView } from './api-key.ts'

/** The applications' keys. Each change is one transaction with its audit entry and its outbox entry. */
export type ApiKeyStore = ReturnType<typeof createApiKeyStore>

/** @param onCommitted is awaited after each change, with the key's hash */
export function createApiKeyStore(database: Database, onCommitted: (hash: string) => Promise<void>) {
  return {
    /** Oldest first. */
    list: async (): Promise<ApiKey[]> => {
      const rows = await database.run((db) => selectApiKeys(db).orderBy('created_at').orderBy('id').execute())
      return rows.map(fromApiKeyRow)
    },

    insert: async (key: ApiKey, actor: Actor): Promise<void> => {
      await database.transaction(async (trx) => {
        await trx.insertInto('api_keys').values(toApiKeyRow(key)).execute()
        await audit(trx, { actor, action: 'api-key.created', subjectId: key.id, after: toApiKeyView(key) })
        await enqueue(trx, { kind: 'api-key', hash: key.hash }, { restricts: false })
      })
      await onCommitted(key.hash)
    },

    /**
     * Replaces a key by what `change` returns. Returns the key as it is then, or undefined when there is no such key.
     */
    update: async (id: string, change: (key: ApiKey) => ApiKey, actor: Actor): Promise<ApiKey | undefined> => {
      const updated = await database.transaction(async (trx) => {
        const row = await selectApiKeys(trx).where('id', '=', id).forUpdate().executeTakeFirst()
        if (row === undefined) return undefined
        const before = fromApiKeyRow(row)
        const after = change(before)
        const views = { before: toApiKeyView(before), after: toApiKeyView(after) }
        if (difference(views.before, views.after).length === 0) return { after, isChanged: false }
        const { name, connections, expires_at } = toApiKeyRow(after)
        await trx.updateTable('api_keys').set({ name, connections, expires_at }).where('id', '=', id).execute()
        await audit(trx, { actor, action: 'api-key.updated', subjectId: id, ...views })
        await enqueue(trx, { kind: 'api-key', hash: row.hash }, { restricts: restrictsApiKey(before, after) })
        return { after, isChanged: true }
      })
      if (updated?.isChanged) await onCommitted(updated.after.hash)
      return updated?.after
    },

    /** Returns false when there is no such key. */
    remove: async (id: string, actor: Actor): Promise<boolean> => {
      const removedHash = await database.transaction(async (trx) => {
        const row = await trx.deleteFrom('api_keys').where('id', '=', id).returningAll().executeTakeFirst()
        if (row === undefined) return undefined
        const before = toApiKeyView(fromApiKeyRow(row))
        await audit(trx, { actor, action: 'api-key.revoked', subjectId: id, before })
        await enqueue(trx, { kind: 'api-key', hash: row.hash }, { restricts: true })
        return row.hash
      })
      if (removedHash !== undefined) await onCommitted(removedHash)
      return removedHash !== undefined
    },

    /**
     * Records when keys were last used; this is not a change of the key. Unknown keys are ignored.
     * @param uses Unix milliseconds by id
     */
    recordUses: async (uses: ReadonlyMap<string, number>): Promise<void> => {
      const ids = [...uses.keys()]
      const instants = [...uses.values()].map((atMs) => new Date(atMs))
      // Every instance receives the same uses: the latest wins, whichever is written first.
      await database.run((db) =>
        sql`
          update connections.api_keys as k set last_used_at = used.at
          from unnest(${ids}::uuid[], ${instants}::timestamptz[]) as used (id, at)
          where k.id = used.id and (k.last_used_at is null or k.last_used_at < used.at)
        `.execute(db),
      )
    },
  }
}

export function selectApiKeys(db: Kysely<Tables>) {
  return db.selectFrom('api_keys').selectAll()
}

export function fromApiKeyRow(row: Selectable<ApiKeyTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    hint: row.hint,
    connections: readStored(ApiKeyInput.properties.connections, row.connections, `the scope of API key ${row.id}`),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }
}

function toApiKeyRow(key: ApiKey): Insertable<ApiKeyTable> {
  return {
    id: key.id,
    name: key.name,
    hash: key.hash,
    hint: key.hint,
    connections: JSON.stringify(key.connections),
    expires_at: key.expiresAt ?? null,
    created_at: key.createdAt,
  }
}
