import { expect, it } from 'vitest'
import { readNatsLine, readPostgresLine } from './server-log.ts'

it.each([
  ['[7] 2026/01/31 10:14:07.311000 [INF] Server is ready', 20, 'Server is ready'],
  ['[7] 2026/01/31 10:14:07.311000 [WRN] Slow consumer', 40, 'Slow consumer'],
  ['[7] 2026/01/31 10:14:07.311000 [WRN] Plaintext passwords detected', 20, 'Plaintext passwords detected'],
  ['[7] 2026/01/31 10:14:07.311000 [FTL] no space left', 60, 'no space left'],
  ['nats-server: no such file', 30, 'nats-server: no such file'],
])('reads nats-server’s %s', (line, level, message) => {
  expect(readNatsLine(line)).toEqual({ level, message })
})

it.each([
  ['2026-01-31 10:14:07.311 UTC [7] LOG:  listening', 20, 'listening'],
  ['2026-01-31 10:14:07.311 UTC [7] ERROR:  duplicate key', 20, 'duplicate key'],
  ['2026-01-31 10:14:07.311 UTC [7] PANIC:  could not write', 60, 'could not write'],
  ['\tcontinued', 20, '\tcontinued'],
  ['Ending the PostgreSQL that was left running', 30, 'Ending the PostgreSQL that was left running'],
])('reads PostgreSQL’s %s', (line, level, message) => {
  expect(readPostgresLine(line)).toEqual({ level, message })
})
