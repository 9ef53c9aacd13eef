import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

/**
 * A lock that holds over all instances, until the transaction ends: a row in the service's own schema, which no other role of the database
 * may lock. Advisory locks are the database's, and anybody who may connect can take them.
 */
export type LockName = 'outbox' | 'first-operator-token'

/** Waits until the lock is free. */
export async function takeLock(trx: Transaction<Tables>, name: LockName): Promise<void> {
  await trx.selectFrom('locks').select('name').where('name', '=', name).forUpdate().executeTakeFirstOrThrow()
}

/** Returns false, without waiting, when another transaction has the lock. */
export async function tryLock(trx: Transaction<Tables>, name: LockName): Promise<boolean> {
  const lock = trx.selectFrom('locks').select('name').where('name', '=', name).forUpdate().skipLocked()
  return (await lock.executeTakeFirst()) !== undefined
}
