import type { Insertable, Selectable, Transaction } from 'kysely'
import type { Actor } from '../audit/audit-entry.ts'
import { type Database, takeLock } from '../database/database.ts'
import { audit } from '../database/record-change.ts'
import type { OperatorTokenTable, Tables } from '../database/tables.ts'
import { type OperatorToken, toOperatorTokenView } from './operator.ts'

/** The operators' tokens; each change is one transaction with its audit row. */
export interface OperatorTokenStore {
  /** Oldest first. */
  list(): Promise<readonly OperatorToken[]>
  /** The token with this hash, expired or not; undefined when there is none. */
  find(hash: string): Promise<OperatorToken | undefined>
  insert(token: OperatorToken, actor: Actor): Promise<void>
  /**
   * Stores the token if there is none at all, after `beforeStored` has resolved. Of several callers at once one does.
   * False when there is a token already.
   */
  insertFirst(token: OperatorToken, actor: Actor, beforeStored: () => Promise<void>): Promise<boolean>
  /**
   * Removes a token with its sessions. `last_admin`: nobody could make changes without it, of those whose token is good at `now`.
   * Of several callers at once none removes what another one counts on.
   */
  remove(id: string, now: Date, actor: Actor): Promise<'removed' | 'not_found' | 'last_admin'>
  /** Notes a use; it is no change of the token. */
  noteUse(id: string, at: Date): Promise<void>
}

export function fromOperatorTokenRow(row: Selectable<OperatorTokenTable>): OperatorToken {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    role: row.role,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }
}

export function toOperatorTokenRow(token: OperatorToken): Insertable<OperatorTokenTable> {
  return {
    id: token.id,
    name: token.name,
    hash: token.hash,
    role: token.role,
    expires_at: token.expiresAt ?? null,
    created_at: token.createdAt,
  }
}

export function createOperatorTokenStore(database: Database): OperatorTokenStore {
  return {
    list: async () => {
      const rows = await database.run((db) =>
        db.selectFrom('operator_tokens').selectAll().orderBy('created_at').orderBy('id').execute(),
      )
      return rows.map(fromOperatorTokenRow)
    },
    find: async (hash) => {
      const row = await database.run((db) =>
        db.selectFrom('operator_tokens').selectAll().where('hash', '=', hash).executeTakeFirst(),
      )
      return row === undefined ? undefined : fromOperatorTokenRow(row)
    },
    insert: (token, actor) => database.transaction((trx) => insert(trx, token, actor)),
    insertFirst: (token, actor, beforeStored) =>
      database.transaction(async (trx) => {
        await takeLock(trx, 'first-operator-token')
        const any = await trx.selectFrom('operator_tokens').select('id').limit(1).executeTakeFirst()
        if (any !== undefined) return false
        await insert(trx, token, actor)
        await beforeStored()
        return true
      }),
    remove: (id, now, actor) =>
      database.transaction(async (trx) => {
        const admins = await lockAdmins(trx, now)
        const isAdmin = admins.includes(id)
        if (isAdmin && admins.length === 1) return 'last_admin'
        const row = await trx.deleteFrom('operator_tokens').where('id', '=', id).returningAll().executeTakeFirst()
        if (row === undefined) return 'not_found'
        const before = toOperatorTokenView(fromOperatorTokenRow(row))
        await audit(trx, { actor, action: 'operator-token.revoked', subjectId: id, before })
        return 'removed'
      }),
    noteUse: async (id, at) => {
      await database.run((db) =>
        db.updateTable('operator_tokens').set({ last_used_at: at }).where('id', '=', id).execute(),
      )
    },
  }
}

async function insert(trx: Transaction<Tables>, token: OperatorToken, actor: Actor): Promise<void> {
  await trx.insertInto('operator_tokens').values(toOperatorTokenRow(token)).execute()
  const after = toOperatorTokenView(token)
  await audit(trx, { actor, action: 'operator-token.created', subjectId: token.id, after })
}

/** The ids of the admins' tokens that are good now. Whoever else asks waits until this transaction is over, and sees its outcome. */
async function lockAdmins(trx: Transaction<Tables>, now: Date): Promise<readonly string[]> {
  const rows = await trx
    .selectFrom('operator_tokens')
    .select('id')
    .where('role', '=', 'admin')
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
    .orderBy('id')
    .forUpdate()
    .execute()
  return rows.map(({ id }) => id)
}
