import type { LogLevel } from '@sluice/service-kit'
import { type ProcessLog, toJsonLine } from './log.ts'

/** The logs of nats-server and PostgreSQL as lines of pino's, with a level that fits the rest of the log. */

export const DEBUG = 20
export const INFO = 30
export const WARN = 40
export const ERROR = 50

const LEVEL_NUMBERS = { trace: 10, debug: DEBUG, info: INFO, warn: WARN, error: ERROR, fatal: 60, silent: 100 } as const

interface ServerLine {
  readonly level: number
  readonly message: string
}

/** Writes a message about a server at a level of pino's. */
export interface ServerLog {
  (level: number, message: string): void
  /**
   * Writes a line as an error that was not shown for its level: what a server writes before it fails is worth reading.
   */
  explain(line: ServerLine): void
}

/** @param level the lowest one that is shown */
export function createServerLog(name: string, level: LogLevel, log: ProcessLog): ServerLog {
  const lowest = LEVEL_NUMBERS[level]
  const write = (at: number, message: string): void => {
    if (at >= lowest) log(name, toJsonLine(name, at, message))
  }
  const explain = ({ level: at, message }: ServerLine): void => {
    if (at < lowest) write(ERROR, message)
  }
  return Object.assign(write, { explain })
}

const NATS_LEVELS: Readonly<Record<string, number>> = { TRC: 10, DBG: 20, INF: DEBUG, WRN: 40, ERR: 50, FTL: 60 }
/**
 * Its advice against passwords in its configuration file. Ours come from the environment, and it gives the advice all
 * the same.
 */
const PLAIN_PASSWORDS = 'Plaintext passwords detected'
/** PostgreSQL's ERROR belongs to one statement, and its client gets it: no fault of the server. */
const POSTGRES_LEVELS: Readonly<Record<string, number>> = { WARNING: 40, FATAL: 40, PANIC: 60 }

/**
 * Reads `[123] 2026/01/31 10:14:07.311000 [INF] Server is ready`. What is routine there is detail here. A line of
 * another form does not come from the server's own log, but is about it.
 */
export function readNatsLine(line: string): ServerLine {
  const [, severity = '', message] = /^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$/.exec(line) ?? []
  if (message === undefined) return { level: INFO, message: line }
  return { level: message.startsWith(PLAIN_PASSWORDS) ? DEBUG : (NATS_LEVELS[severity] ?? DEBUG), message }
}

/**
 * Reads `2026-01-31 10:14:07.311 UTC [123] LOG:  database system is ready to accept connections`; a line that
 * continues the one before begins with a tab.
 */
export function readPostgresLine(line: string): ServerLine {
  const [, severity = '', message] = /^\S+ \S+ \S+ \[\d+\] (\w+):\s+(.*)$/.exec(line) ?? []
  if (message !== undefined) return { level: POSTGRES_LEVELS[severity] ?? DEBUG, message }
  return { level: line.startsWith('\t') ? DEBUG : INFO, message: line }
}
