import type { Transaction } from 'kysely'
import type { Actor } from '../../domain/actor.ts'
import { type OperatorToken, toOperatorTokenView } from '../../domain/operator-token.ts'
import type { OperatorTokenStore } from '../../ports/operator-token-store.ts'
import type { Database } from './database.ts'
import { takeLock } from './locks.ts'
import { fromOperatorTokenRow, toOperatorTokenRow } from './operator-token-rows.ts'
import { audit } from './record-change.ts'
import type { Tables } from './tables.ts'

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
