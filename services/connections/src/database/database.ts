import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import { openDatabase } from '@sluice/postgres'
import type { Logger } from '@sluice/service-kit'
import { type Kysely, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { Tables } from './tables.ts'

/** What a failed query means: `unavailable` where the database is away or overloaded, otherwise the error as it was. */
export function databaseFault(error: unknown): unknown {
  return isDatabaseAway(error)
    ? new SluiceError('unavailable', 'The database is not reachable at the moment.', { cause: error })
    : error
}

/** Whether the query failed on the unique constraint `name`. */
export function violatesUnique(error: unknown, name: string): boolean {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === name
}

/**
 * Codes of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html): connection exceptions, insufficient
 * resources, operator intervention (shutting down, starting up, statement cancelled), and no such schema or table, which is so until
 * the first migration; codes of the system; and the driver's own errors, which have no code.
 */
function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof pg.DatabaseError) return /^(08|53|57|3F000|42P01)/.test(error.code ?? '')
  if ('code' in error && typeof error.code === 'string') return SYSTEM_CODES.has(error.code)
  return DRIVER_MESSAGES.test(error.message)
}

const UNIQUE_VIOLATION = '23505'
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/

/** The service's PostgreSQL. Everything that asks it throws SluiceError `unavailable` while it is away. */
export interface Database {
  run<T>(query: (db: Kysely<Tables>) => Promise<T>): Promise<T>
  transaction<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /** Whether it answers within a second, which a probe waits; those who ask at the same time share one query. */
  isReachable(): Promise<boolean>
  close(): Promise<void>
}

/** Connects when first asked. */
export function openConnectionsDatabase(url: string, logger: Logger): Database {
  const options = { url, name: 'connections', maxConnections: 10, statementTimeoutMs: STATEMENT_TIMEOUT_MS, logger }
  const kysely = openDatabase<Tables>(options).withSchema(SCHEMA)
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw databaseFault(error)
    }
  }
  let reaching: Promise<boolean> | undefined
  const reach = async (): Promise<boolean> => {
    try {
      await sql`select 1`.execute(kysely)
      return true
    } catch {
      return false // Why is said where something was to be read or written.
    } finally {
      reaching = undefined
    }
  }
  return {
    run: (query) => translated(() => query(kysely)),
    transaction: (work) => translated(() => kysely.transaction().execute(work)),
    isReachable: () => {
      reaching ??= reach()
      return Promise.race([reaching, delay(REACHABLE_WITHIN_MS, false, { ref: false })])
    },
    close: () => kysely.destroy(),
  }
}

export const SCHEMA = 'connections'
/** A server that does not respond is as bad as one that is away: admin calls are told soon. */
const STATEMENT_TIMEOUT_MS = 5_000
const REACHABLE_WITHIN_MS = 1_000

/**
 * Does `work`, again and again while the database is away.
 * @throws what PostgreSQL says where waiting would not help: a wrong password, no such database, a failed statement
 */
export async function untilReachable<T>(work: () => Promise<T>, logger: Logger): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof SluiceError && error.code === 'unavailable')) throw error
      if (attempt === 1) logger.warn({ err: error }, 'waiting for the database')
      await delay(RETRY_MS)
    }
  }
}

const RETRY_MS = 250

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
