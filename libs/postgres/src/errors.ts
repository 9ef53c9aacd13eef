/**
 * The meaning of PostgreSQL's errors, by the class of their SQLSTATE. For a service that stores the messages of a
 * stream (discovery, usage) this decides what becomes of the message:
 *
 * | class | meaning | message |
 * |---|---|---|
 * | 22, 23, 54 | PostgreSQL refuses this data, and always will ({@link isRefusedData}) | dead letter; the others of its batch go on |
 * | 08, 40, 53, 57, 58; no response at all | the server is away, busy or full ({@link isTransient}) | delivered again until it is stored |
 * | all others, such as 28 (password), 3D (no such database), 42 (no such table, no privilege) | an operator must act; the message is not at fault | delivered again, too, without end |
 *
 * "Without end" is as long as the stream holds the message. Each service logs when that begins and ends. No dead
 * letter is written for the last two: it would be refused as well.
 *
 * One error of class 23 is not about the data: a row that has no partition yet (23514), which usage delivers again.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
import { SluiceError } from '@sluice/contracts'
import pg from 'pg'

/**
 * Returns true when trying again may help: the server cannot be reached, starts or stops, has no room, or resolved a
 * conflict. False when it responded that the statement, the credentials or the database are wrong, and for a fault
 * that was found in what it returned.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return hasClass(error, TRANSIENT_CLASSES)
  return !(error instanceof SluiceError)
}

/** Returns true when the server refused the data itself: it will refuse it every time. */
export function isRefusedData(error: unknown): boolean {
  return error instanceof pg.DatabaseError && hasClass(error, DATA_CLASSES)
}

function hasClass({ code }: pg.DatabaseError, classes: ReadonlySet<string>): boolean {
  return code !== undefined && classes.has(code.slice(0, 2))
}

/** Connection exception, transaction rollback, insufficient resources, operator intervention, system error. */
const TRANSIENT_CLASSES: ReadonlySet<string> = new Set(['08', '40', '53', '57', '58'])
/** Data exception, integrity constraint violation, program limit exceeded. */
const DATA_CLASSES: ReadonlySet<string> = new Set(['22', '23', '54'])
