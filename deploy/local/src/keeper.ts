import type { KeeperOptions } from './keeper-options.ts'
import { toJsonLine } from './log-line.ts'
import { startNatsServer } from './nats-server/start.ts'
import { type StoreWatch, watchStore } from './nats-server/store-watch.ts'
import { startPostgres } from './postgres/start.ts'
import { readNatsLine, readPostgresLine } from './server-log.ts'
import { ServerStartError } from './server-process.ts'
import { StartError } from './start-error.ts'

// nats-server and PostgreSQL do not notice when their supervisor is killed. This process does, by its channel to it, and
// ends the server it keeps. To the supervisor it looks like any service: `ready`, SIGTERM, an exit code.
const options = JSON.parse(process.argv[2] ?? '{}') as KeeperOptions

const DEBUG = 20
const ERROR = 50
const FATAL = 60

/** Ends with it when the server is to be started again; EX_TEMPFAIL of sysexits(3). */
const RESTART_EXIT_CODE = 75

/** Over NATS, once it runs; what it logged before that is kept for it. */
let storeWatch: StoreWatch | undefined
const earlyLines: string[] = []

function write(level: number, message: string): void {
  if (level >= options.minLevel) console.log(toJsonLine(options.server, level, message))
}

const readLine = options.server === 'nats' ? readNatsLine : readPostgresLine

function log(line: string): void {
  const { level, message } = readLine(line)
  if (storeWatch === undefined && options.server === 'nats') earlyLines.push(message)
  const isRepetition = storeWatch?.line(message) ?? false
  write(isRepetition ? DEBUG : level, message)
}

/** What a server says before it fails is worth reading at any level. */
function explain(error: ServerStartError): void {
  for (const { level, message } of error.output.map(readLine)) if (level < options.minLevel) write(ERROR, message)
}

let stopping = false
try {
  const starting = options.server === 'nats' ? startNatsServer({ ...options, log }) : startPostgres({ ...options, log })
  const stop = async (exitCode = 0) => {
    if (stopping) return
    stopping = true
    storeWatch?.stop()
    await (await starting).stop()
    process.exit(exitCode)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
  process.on('disconnect', () => void stop())
  // The supervisor may have gone while this program was being loaded.
  if (process.connected === false) void stop()
  const server = await starting
  const operatorPassword = process.env.NATS_OPERATOR_PASSWORD
  if (options.server === 'nats' && operatorPassword !== undefined) {
    storeWatch = watchStore({
      url: server.url,
      password: operatorPassword,
      dataDir: options.dataDir,
      say: write,
      onMustRestart: () => void stop(RESTART_EXIT_CODE),
    })
    for (const line of earlyLines.splice(0)) storeWatch.line(line)
  }
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
