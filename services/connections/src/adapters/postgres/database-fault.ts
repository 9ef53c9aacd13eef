import { SluiceError } from '@sluice/contracts'
import pg from 'pg'

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
