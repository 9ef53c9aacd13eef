import { sql, type Transaction } from 'kysely'
import type { Actor } from '../../domain/actor.ts'
import type { NewOperatorToken, OperatorTokenStore } from '../../ports/operator-token-store.ts'
import { LOCKS } from './advisory-locks.ts'
import type { Database } from './database.ts'
import { audit } from './record-change.ts'
import type { Tables } from './tables.ts'

export function createOperatorTokenStore(database: Database): OperatorTokenStore {
  return {
    nameOf: async (hash) => {
      const row = await database.run((db) =>
        db.selectFrom('operator_tokens').select('name').where('hash', '=', hash).executeTakeFirst(),
      )
      return row?.name
    },
    insert: (token, actor) => database.transaction((trx) => insert(trx, token, actor)),
    insertFirst: (token, actor, beforeStored) =>
      database.transaction(async (trx) => {
        await sql`select pg_advisory_xact_lock(${LOCKS.firstOperatorToken})`.execute(trx)
        const any = await trx.selectFrom('operator_tokens').select('id').limit(1).executeTakeFirst()
        if (any !== undefined) return false
        await insert(trx, token, actor)
        await beforeStored()
        return true
      }),
  }
}

async function insert(trx: Transaction<Tables>, { id, name, hash }: NewOperatorToken, actor: Actor): Promise<void> {
  await trx.insertInto('operator_tokens').values({ id, name, hash }).execute()
  await audit(trx, { actor, action: 'operator-token.created', subjectId: id, after: { id, name } })
}
