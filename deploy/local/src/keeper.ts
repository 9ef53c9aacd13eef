import type { KeeperOptions } from './keeper-options.ts'
import { toJsonLine } from './log-line.ts'
import { startNatsServer } from './nats-server/start.ts'
import { startPostgres } from './postgres/start.ts'
import { readNatsLine, readPostgresLine } from './server-log.ts'
import { ServerStartError } from './server-process.ts'
import { StartError } from './start-error.ts'

// nats-server and PostgreSQL do not notice when their supervisor is killed. This process does, by its channel to it, and
// ends the server it keeps. To the supervisor it looks like any service: `ready`, SIGTERM, an exit code.
const options = JSON.parse(process.argv[2] ?? '{}') as KeeperOptions

const ERROR = 50
const FATAL = 60

function write(level: number, message: string): void {
  if (level >= options.minLevel) console.log(toJsonLine(options.server, level, message))
}

const readLine = options.server === 'nats' ? readNatsLine : readPostgresLine

function log(line: string): void {
  const { level, message } = readLine(line)
  write(level, message)
}

/** What a server says before it fails is worth reading at any level. */
function explain(error: ServerStartError): void {
  for (const { level, message } of error.output.map(readLine)) if (level < options.minLevel) write(ERROR, message)
}

let stopping = false
try {
  const starting = options.server === 'nats' ? startNatsServer({ ...options, log }) : startPostgres({ ...options, log })
  const stop = async () => {
    if (stopping) return
    stopping = true
    await (await starting).stop()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
  process.on('disconnect', () => void stop())
  // The supervisor may have gone while this program was being loaded.
  if (process.connected === false) void stop()
  const server = await starting
  if (process.connected) process.send?.({ ready: true, pid: server.pid, url: server.url, port: server.port })
  const reason = await server.exited
  if (!stopping) {
    write(FATAL, `the server ended (${reason})`)
    process.exit(1)
  }
} catch (error) {
  if (error instanceof ServerStartError) explain(error)
  write(FATAL, error instanceof StartError ? error.message : String(error))
  process.exit(1)
}
