import type { Logger } from '@sluice/service-kit'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

export interface DatabaseOptions {
  readonly url: string
  /** Shown in the server's list of connections. */
  readonly name: string
  readonly maxConnections: number
  /** How long one statement may take, at the server and on the way; absent: as long as it takes. */
  readonly statementTimeoutMs?: number
  readonly logger: Logger
}

/** Opens a pool of connections, made as they are needed. 64-bit integers are read as numbers: all that are kept are safe. */
export function openDatabase<Tables>(options: DatabaseOptions): Kysely<Tables> {
  const { url, name, maxConnections, statementTimeoutMs, logger } = options
  const pool = new pg.Pool({
    connectionString: url,
    application_name: `sluice-${name}`,
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    // A connection whose server vanished without a word is not kept for ever.
    maxLifetimeSeconds: MAX_LIFETIME_S,
    keepAlive: true,
    types: { getTypeParser },
    ...(statementTimeoutMs === undefined
      ? {}
      : {
          statement_timeout: statementTimeoutMs,
          query_timeout: statementTimeoutMs + WIRE_ALLOWANCE_MS,
          idle_in_transaction_session_timeout: statementTimeoutMs,
        }),
  })
  // In use, a connection that breaks tells nobody but itself, and without a listener that would end the process.
  pool.on('connect', (client) =>
    client.on('error', (error) => logger.debug({ err: error }, 'a connection to PostgreSQL was lost')),
  )
  pool.on('error', () => undefined) // The same error once more, where the connection was idle.
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/**
 * True when trying again may help: the server cannot be reached, starts or stops, has no room, or broke a conflict. False
 * when it answered that the statement, the credentials or the database are wrong.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isPassing(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || PASSING_CLASSES.has((error.code ?? '').slice(0, 2))
}

/** True when the server refused the data itself: it will refuse it every time. */
export function isRefusedData(error: unknown): boolean {
  return error instanceof pg.DatabaseError && DATA_CLASSES.has((error.code ?? '').slice(0, 2))
}

const CONNECT_TIMEOUT_MS = 5_000
const WIRE_ALLOWANCE_MS = 2_000
const MAX_LIFETIME_S = 300

/** Connection exception, transaction rollback, insufficient resources, operator intervention, system error. */
const PASSING_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58'])
/** Data exception, integrity constraint violation, program limit exceeded. */
const DATA_CLASSES: ReadonlySet<string> = new Set(['22', '23', '54'])

const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
