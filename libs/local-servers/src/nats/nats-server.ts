import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { freePort } from '../free-port.ts'
import { endProcess, processOfPidFile } from '../process-identity.ts'
import { type Log, type RunningServer, startServerProcess, stopServerProcess } from '../server-process.ts'
import { isPortTaken } from '../start-error.ts'

export interface NatsServerOptions {
  /** The program, as `locateNatsServer` finds it. */
  readonly serverPath: string
  /** Holds the pid file and the streams. The caller makes sure that only one server at a time uses it. */
  readonly dataDir: string
  /** 0 takes a free port. */
  readonly port: number
  /** The server's name, which must be unique in its cluster; `sluice` when absent. */
  readonly name?: string
  /** Configuration in nats-server's own format: users and permissions. */
  readonly configFile?: string
  /** The server's whole environment, which `configFile` can refer to; this process's own when absent. */
  readonly env?: Readonly<Record<string, string>>
  readonly log: Log
}

/** Its URL is `nats://127.0.0.1:port`. */
export type NatsServer = RunningServer

const READY_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 5_000
const PORT_ATTEMPTS = 5

/**
 * Runs a real nats-server with JetStream and file storage on loopback, and resolves once it accepts connections. First
 * ends a server that a crash left running on the same folder. What the server confirmed survives its own crash, and a
 * power cut once it was forced to the disk: `sync_interval` in `configFile`, two minutes without.
 * @throws ServerStartError when it does not come up
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const dataDir = resolve(options.dataDir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await endLeftover(dataDir, options.log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port
    try {
      return await startOn(port, dataDir, options)
    } catch (error) {
      if (!isPortTaken(error) || options.port !== 0 || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

async function startOn(port: number, dataDir: string, options: NatsServerOptions): Promise<NatsServer> {
  const { configFile, env, log, name = 'sluice', serverPath } = options
  const listen = ['-a', '127.0.0.1', '-p', String(port)]
  const store = ['-js', '-sd', dataDir, '-P', pidFileIn(dataDir)]
  const server = await startServerProcess({
    name: 'nats-server',
    command: serverPath,
    args: ['-n', name, ...listen, ...store, ...(configFile === undefined ? [] : ['-c', configFile])],
    ...(env === undefined ? {} : { env }),
    stopSignal: 'SIGTERM',
    readyLine: /Server is ready/,
    readyTimeoutMs: READY_TIMEOUT_MS,
    log,
  })
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    unguarded: server.unguarded,
    stop: () => stopServerProcess(server, ['SIGTERM'], STOP_GRACE_MS),
    kill: async () => {
      server.kill()
      await server.exited
    },
  }
}

async function endLeftover(dataDir: string, log: Log): Promise<void> {
  const leftover = await processOfPidFile(pidFileIn(dataDir), dataDir)
  if (leftover === undefined) return
  log(`Ending the nats-server that was left running (process ${leftover.pid})`)
  await endProcess(leftover, { signal: 'SIGTERM', graceMs: STOP_GRACE_MS })
}

function pidFileIn(dataDir: string): string {
  return resolve(dataDir, 'nats-server.pid')
}
