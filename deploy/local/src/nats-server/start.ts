import { mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Log } from '../log.ts'
import { freePort } from '../ports.ts'
import { commandLine, endProcess, identifyProcess } from '../process-identity.ts'
import { ServerStartError, startServerProcess, stopServerProcess } from '../server-process.ts'

export interface NatsServerOptions {
  /** What `locateNatsServer` found. */
  readonly serverPath: string
  /** Holds the pid file and the streams. One server at a time may use it: the caller sees to that. */
  readonly dataDir: string
  /** 0 takes a free port. */
  readonly port: number
  /** The server's name, which no other of its cluster has; `sluice` when absent. */
  readonly name?: string
  /** Configuration in nats-server's own format: users and permissions. */
  readonly configFile?: string
  /** The environment that `configFile` refers to: the server's whole one; absent, it gets this process's. */
  readonly env?: Readonly<Record<string, string>>
  readonly log: Log
}

export interface NatsServer {
  /** `nats://127.0.0.1:port` */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the process has ended, for whatever reason: `exit 1`, `SIGKILL`. */
  readonly exited: Promise<string>
  /** Ends it in order: everything it took is on disk. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(signal: 'SIGKILL'): Promise<void>
}

const READY_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 5_000
const PORT_ATTEMPTS = 5

/**
 * Runs a real nats-server with JetStream and file storage on loopback, and resolves once it takes connections. A server
 * that a crashed predecessor left on the same folder is ended first. What the server confirmed survives its own crash at once, a
 * power cut once it was forced to the disk: `sync_interval` in `configFile`, two minutes without.
 * @throws ServerStartError when it does not come up.
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
      // Somebody else was quicker to take the port that was free a moment ago.
      const isTaken = error instanceof ServerStartError && /address already in use/.test(error.output.join())
      if (!isTaken || options.port !== 0 || attempt === PORT_ATTEMPTS) throw error
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
    readyLine: /Server is ready/,
    readyTimeoutMs: READY_TIMEOUT_MS,
    log,
  })
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => stopServerProcess(server, ['SIGTERM'], STOP_GRACE_MS),
    kill: async (signal) => {
      server.kill(signal)
      await server.exited
    },
  }
}

async function endLeftover(dataDir: string, log: Log): Promise<void> {
  const pid = Number(await readFile(pidFileIn(dataDir), 'utf8').catch(() => ''))
  if (!Number.isInteger(pid) || pid < 1) return
  const identity = await identifyProcess(pid)
  const isOurs = (await commandLine(pid))?.includes(dataDir) ?? false
  if (identity === undefined || !isOurs) return
  log(`Ending the nats-server that was left running (process ${pid})`)
  await endProcess(identity, { signal: 'SIGTERM', graceMs: STOP_GRACE_MS })
}

const pidFileIn = (dataDir: string) => resolve(dataDir, 'nats-server.pid')
