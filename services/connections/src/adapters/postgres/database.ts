import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '@sluice/postgres'
import type { Logger } from '@sluice/service-kit'
import { type Kysely, sql, type Transaction } from 'kysely'
import { databaseFault } from './database-fault.ts'
import type { Tables } from './tables.ts'

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
