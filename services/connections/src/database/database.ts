import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import { openDatabase } from '@sluice/postgres'
import type { Logger } from '@sluice/service-kit'
import { type Kysely, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { LockName, Tables } from './tables.ts'

/**
 * The service's PostgreSQL. Every query throws DatabaseUnreachableError while the server is unreachable or overloaded.
 */
export interface Database {
  run<T>(query: (db: Kysely<Tables>) => Promise<T>): Promise<T>
  transaction<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T>
  /** Resolves within a second, as a health probe waits no longer; concurrent callers share one query. */
  isReachable(): Promise<boolean>
  close(): Promise<void>
}

/** The database server cannot be reached, is starting or stopping, or has no resources left: trying again may help. */
export class DatabaseUnreachableError extends SluiceError {
  override readonly name = 'DatabaseUnreachableError'

  constructor(cause: unknown) {
    super('unavailable', 'The database is temporarily unreachable.', { cause })
  }
}

/** Connects when it is first used. */
export function openConnectionsDatabase(url: string, logger: Logger): Database {
  const options = { url, name: 'connections', maxConnections: 10, statementTimeoutMs: STATEMENT_TIMEOUT_MS, logger }
  const kysely = openDatabase<Tables>(options).withSchema(SCHEMA)
  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw translate(error)
    }
  }
  let reaching: Promise<boolean> | undefined
  const reach = async (): Promise<boolean> => {
    try {
      await sql`select 1`.execute(kysely)
      return true
    } catch {
      return false // The reason is logged where a query fails.
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

/**
 * Runs `work`, again and again while the database is unreachable or not set up.
 * @throws the first error that waiting does not help: a wrong password, a missing database, a failed statement
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

/** Returns whether the query failed on the unique constraint `name`. */
export function violatesUnique(error: unknown, name: string): boolean {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION && error.constraint === name
}

/** Waits until the lock is free, and holds it until the transaction ends. */
export async function takeLock(trx: Transaction<Tables>, name: LockName): Promise<void> {
  await trx.selectFrom('locks').select('name').where('name', '=', name).forUpdate().executeTakeFirstOrThrow()
}

/** As {@link takeLock}, but returns false at once when another transaction has the lock. */
export async function tryLock(trx: Transaction<Tables>, name: LockName): Promise<boolean> {
  const lock = trx.selectFrom('locks').select('name').where('name', '=', name).forUpdate().skipLocked()
  return (await lock.executeTakeFirst()) !== undefined
}

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
function translate(error: unknown): unknown {
  if (isUnreachable(error)) return new DatabaseUnreachableError(error)
  if (error instanceof pg.DatabaseError && error.code !== undefined && NOT_SET_UP.has(error.code)) {
    return new SluiceError('unavailable', 'The database is not set up yet.', { cause: error })
  }
  return error
}

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // Connection exceptions, insufficient resources, operator intervention (shutdown, start, statement cancelled).
  if (error instanceof pg.DatabaseError) return error.code !== undefined && /^(08|53|57)/.test(error.code)
  if ('code' in error && typeof error.code === 'string') return SYSTEM_CODES.has(error.code)
  return DRIVER_MESSAGES.test(error.message)
}

export const SCHEMA = 'connections'
/** Short, so that admin requests fail soon when the server does not respond. */
const STATEMENT_TIMEOUT_MS = 5_000
const REACHABLE_WITHIN_MS = 1_000
const RETRY_MS = 250
const UNIQUE_VIOLATION = '23505'
/** No such schema or table: true until the first migration has run. */
const NOT_SET_UP: ReadonlySet<string> = new Set(['3F000', '42P01'])
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
/** The driver's own errors, which have no code. */
const DRIVER_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error)/
