import type { LogLine } from './log-line.ts'

const DEBUG = 20
const INFO = 30
const NATS_LEVELS: Readonly<Record<string, number>> = { TRC: 10, DBG: 20, INF: DEBUG, WRN: 40, ERR: 50, FTL: 60 }
/** Its advice against passwords that stand in its configuration file. Ours come from the environment, and it gives it all the same. */
const PLAIN_PASSWORDS = 'Plaintext passwords detected'
/** PostgreSQL's ERROR is one statement's, which its client is told: no fault of the server. */
const POSTGRES_LEVELS: Readonly<Record<string, number>> = { WARNING: 40, FATAL: 40, PANIC: 60 }

type ServerLine = Pick<LogLine, 'level' | 'message'>

/**
 * `[123] 2026/01/31 10:14:07.311000 [INF] Server is ready`; what is routine there is detail here. What has another form
 * is not the server's log, but said about it.
 */
export function readNatsLine(line: string): ServerLine {
  const [, severity = '', message] = /^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$/.exec(line) ?? []
  if (message === undefined) return { level: INFO, message: line }
  return { level: message.startsWith(PLAIN_PASSWORDS) ? DEBUG : (NATS_LEVELS[severity] ?? DEBUG), message }
}

/**
 * `2026-01-31 10:14:07.311 UTC [123] LOG:  database system is ready to accept connections`; a line that goes on begins
 * with a tab.
 */
export function readPostgresLine(line: string): ServerLine {
  const [, severity = '', message] = /^\S+ \S+ \S+ \[\d+\] (\w+):\s+(.*)$/.exec(line) ?? []
  if (message !== undefined) return { level: POSTGRES_LEVELS[severity] ?? DEBUG, message }
  return { level: line.startsWith('\t') ? DEBUG : INFO, message: line }
}
