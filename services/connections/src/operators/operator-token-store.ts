import { OperatorRole } from '@sluice/contracts'
import { readStored } from '@sluice/postgres'
import type { Insertable, Selectable, Transaction } from 'kysely'
import type { Actor } from '../audit/audit-entry.ts'
import { audit } from '../audit/audit-log.ts'
import { type Database, takeLock } from '../database/database.ts'
import type { OperatorTokenTable, Tables } from '../database/tables.ts'
import { type OperatorToken, toOperatorTokenView } from './operator.ts'

/** The operators' tokens; each change is one transaction with its audit entry. */
export type OperatorTokenStore = ReturnType<typeof createOperatorTokenStore>

export function createOperatorTokenStore(database: Database) {
  return {
    /** Oldest first. */
    list: async (): Promise<OperatorToken[]> => {
      const rows = await database.run((db) =>
        db.selectFrom('operator_tokens').selectAll().orderBy('created_at').orderBy('id').execute(),
      )
      return rows.map(fromOperatorTokenRow)
    },

    /** Returns the token with this hash, expired or not. */
    find: async (hash: string): Promise<OperatorToken | undefined> => {
      const row = await database.run((db) =>
        db.selectFrom('operator_tokens').selectAll().where('hash', '=', hash).executeTakeFirst(),
      )
      return row === undefined ? undefined : fromOperatorTokenRow(row)
    },

    insert: (token: OperatorToken, actor: Actor): Promise<void> =>
      database.transaction((trx) => insert(trx, token, actor)),

    /**
     * Stores the token if there is none at all, after `beforeStored` has resolved; only one of several concurrent
     * callers does. Returns false when there is a token already.
     */
    insertFirst: (token: OperatorToken, actor: Actor, beforeStored: () => Promise<void>): Promise<boolean> =>
      database.transaction(async (trx) => {
        await takeLock(trx, 'first-operator-token')
        const any = await trx.selectFrom('operator_tokens').select('id').limit(1).executeTakeFirst()
        if (any !== undefined) return false
        await insert(trx, token, actor)
        await beforeStored()
        return true
      }),

    /**
     * Deletes a token with its sessions. `last_admin`: it is the only admin token that is valid at `now`; concurrent
     * callers cannot delete the last two together.
     */
    remove: (id: string, now: Date, actor: Actor): Promise<'removed' | 'not_found' | 'last_admin'> =>
      database.transaction(async (trx) => {
        const admins = await lockAdmins(trx, now)
        if (admins.length === 1 && admins.includes(id)) return 'last_admin'
        const row = await trx.deleteFrom('operator_tokens').where('id', '=', id).returningAll().executeTakeFirst()
        if (row === undefined) return 'not_found'
        const before = toOperatorTokenView(fromOperatorTokenRow(row))
        await audit(trx, { actor, action: 'operator-token.revoked', subjectId: id, before })
        return 'removed'
      }),

    /** Records when a token was used; this is not a change of the token. */
    recordUse: async (id: string, at: Date): Promise<void> => {
      await database.run((db) =>
        db.updateTable('operator_tokens').set({ last_used_at: at }).where('id', '=', id).execute(),
      )
    },
  }
}

export function fromOperatorTokenRow(row: Selectable<OperatorTokenTable>): OperatorToken {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    role: readStored(OperatorRole, row.role, `the role of operator token ${row.id}`),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }
}

function toOperatorTokenRow(token: OperatorToken): Insertable<OperatorTokenTable> {
  return {
    id: token.id,
    name: token.name,
    hash: token.hash,
    role: token.role,
    expires_at: token.expiresAt ?? null,
    created_at: token.createdAt,
  }
}

async function insert(trx: Transaction<Tables>, token: OperatorToken, actor: Actor): Promise<void> {
  await trx.insertInto('operator_tokens').values(toOperatorTokenRow(token)).execute()
  const after = toOperatorTokenView(token)
  await audit(trx, { actor, action: 'operator-token.created', subjectId: token.id, after })
}

/** Returns the ids of the valid admin tokens, and makes concurrent callers wait for this transaction's outcome. */
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
