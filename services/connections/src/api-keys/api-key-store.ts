import { type Insertable, type Selectable, sql } from 'kysely'
import { type Actor, difference } from '../audit/audit-entry.ts'
import type { Database } from '../database/database.ts'
import { audit, enqueue } from '../database/record-change.ts'
import type { ApiKeyTable } from '../database/tables.ts'
import { takesAwayFromKey } from '../restrictions.ts'
import { type ApiKey, toApiKeyView } from './api-key.ts'

/** The applications' keys; changes as in {@link ConnectionStore}. */
export interface ApiKeyStore {
  /** Oldest first. */
  list(): Promise<readonly ApiKey[]>
  insert(key: ApiKey, actor: Actor): Promise<void>
  /** Replaces a key by what `change` makes of it. The key as it is then; undefined when there is no such key. */
  update(id: string, change: (key: ApiKey) => ApiKey, actor: Actor): Promise<ApiKey | undefined>
  /** False when there is no such key. */
  remove(id: string, actor: Actor): Promise<boolean>
  /** Notes when keys were used last, Unix milliseconds by id; it is no change of a key. Keys that are gone are passed over. */
  noteUses(uses: ReadonlyMap<string, number>): Promise<void>
}

/** API keys in PostgreSQL. `onCommitted` is awaited after each change, with the key's hash. */
export function createApiKeyStore(database: Database, onCommitted: (hash: string) => Promise<void>): ApiKeyStore {
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
        await enqueue(trx, { kind: 'api-key', hash: key.hash }, false)
      })
      await onCommitted(key.hash)
    },
    update: async (id, change, actor) => {
      const updated = await database.transaction(async (trx) => {
        const row = await trx.selectFrom('api_keys').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
        if (row === undefined) return undefined
        const before = fromApiKeyRow(row)
        const after = change(before)
        const views = { before: toApiKeyView(before), after: toApiKeyView(after) }
        if (difference(views.before, views.after).length === 0) return { after, isChanged: false }
        const { name, connections, expires_at } = toApiKeyRow(after)
        await trx.updateTable('api_keys').set({ name, connections, expires_at }).where('id', '=', id).execute()
        await audit(trx, { actor, action: 'api-key.updated', subjectId: id, ...views })
        await enqueue(trx, { kind: 'api-key', hash: row.hash }, takesAwayFromKey(before, after))
        return { after, isChanged: true }
      })
      if (updated?.isChanged) await onCommitted(updated.after.hash)
      return updated?.after
    },
    remove: async (id, actor) => {
      const removedHash = await database.transaction(async (trx) => {
        const row = await trx.deleteFrom('api_keys').where('id', '=', id).returningAll().executeTakeFirst()
        if (row === undefined) return undefined
        const before = toApiKeyView(fromApiKeyRow(row))
        await audit(trx, { actor, action: 'api-key.revoked', subjectId: id, before })
        await enqueue(trx, { kind: 'api-key', hash: row.hash }, true)
        return row.hash
      })
      if (removedHash !== undefined) await onCommitted(removedHash)
      return removedHash !== undefined
    },
    noteUses: async (uses) => {
      const ids = [...uses.keys()]
      const instants = [...uses.values()].map((atMs) => new Date(atMs))
      // Instances hear of the same uses: the later one stays, whoever is first.
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

export function fromApiKeyRow(row: Selectable<ApiKeyTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    ...(row.hint === null ? {} : { hint: row.hint }),
    connections: row.connections.ids,
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
    hint: key.hint ?? null,
    connections: JSON.stringify({ ids: key.connections }),
    expires_at: key.expiresAt ?? null,
    created_at: key.createdAt,
  }
}
