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

/**
 * Opens a pool of connections, made as they are needed. 64-bit integers are read as numbers: all that are stored are
 * safe integers.
 */
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
  // A client in use emits its connection's error itself; without a listener that would end the process.
  pool.on('connect', (client) =>
    client.on('error', (error) => logger.debug({ err: error }, 'a connection to PostgreSQL was lost')),
  )
  pool.on('error', () => undefined) // The same error once more, where the connection was idle.
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

const CONNECT_TIMEOUT_MS = 5_000
const WIRE_ALLOWANCE_MS = 2_000
const MAX_LIFETIME_S = 300

const getTypeParser = ((oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser
