import { chmod, chown, mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { endProcess, processOfPidFile } from '../process-identity.ts'
import {
  type Log,
  type RunningServer,
  type ServerProcess,
  startServerProcess,
  stopServerProcess,
} from '../server-process.ts'
import { isPortTaken, reasonOf, ServerStartError, StartError } from '../start-error.ts'
import { type Cluster, openCluster, POSTGRES_USER, postgresPrograms } from './cluster.ts'
import { type RunAs, runAs } from './run-as.ts'

export interface PostgresOptions {
  /** Holds the cluster and its password. The caller makes sure that only one server at a time uses it. */
  readonly dataDir: string
  /** 0 takes a free port. */
  readonly port: number
  /** False trades safety from power cuts for speed, for tests; true when absent. */
  readonly durable?: boolean
  /** 100 when absent. */
  readonly maxConnections?: number
  readonly log: Log
}

/** Its URL is `postgres://user:password@127.0.0.1:port/postgres`, for the cluster's owner. */
export type Postgres = RunningServer

const READY_TIMEOUT_MS = 60_000
const RETRY_FOR_MS = 15_000
const STOP_GRACE_MS = 10_000
const PORT_ATTEMPTS = 5

/**
 * Runs a real PostgreSQL on loopback and resolves once it accepts connections. Works for root too (`runAs`), makes its
 * data at the first start, and recovers after a crash.
 * @throws StartError when it cannot run here
 * @throws ServerStartError when it does not come up
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir)
  const programs = await postgresPrograms()
  await makeFolder(dataDir)
  const as = await runAs(dataDir, [programs.postgres])
  await chmod(dataDir, 0o700)
  if (as.user !== undefined) await chown(dataDir, as.user.uid, as.user.gid)
  const cluster = await openCluster(dataDir, programs, as)
  await clearLeftover(cluster.clusterDir, options.log)

  const giveUpAtMs = performance.now() + RETRY_FOR_MS
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port
    try {
      const server = await startOn(port, cluster, programs.postgres, as, options)
      return running(server, port, cluster)
    } catch (error) {
      const output = error instanceof ServerStartError ? error.output.join('\n') : ''
      // The children of a server that was killed take a moment to notice and to release its memory.
      const isClearing = /pre-existing shared memory block/.test(output) && performance.now() < giveUpAtMs
      const mayRetryPort = isPortTaken(error) && options.port === 0 && attempt < PORT_ATTEMPTS
      if (!isClearing && !mayRetryPort) throw error
      await delay(isClearing ? 200 : 0)
    }
  }
}

function startOn(port: number, { clusterDir }: Cluster, postgres: string, as: RunAs, options: PostgresOptions) {
  const { durable = true, maxConnections = 100, log } = options
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    password_encryption: 'scram-sha-256',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Without these, four more processes would wait for work that a small database does not have.
    io_method: 'sync',
    max_logical_replication_workers: 0,
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { command, args } = as.command(postgres, ['-D', clusterDir, ...flags])
  return startServerProcess({
    name: 'PostgreSQL',
    command,
    args,
    ...(as.spawnAs && { user: as.spawnAs }),
    stopSignal: 'SIGINT',
    readyLine: /database system is ready to accept connections/,
    readyTimeoutMs: READY_TIMEOUT_MS,
    log,
  })
}

function running(server: ServerProcess, port: number, { password }: Cluster): Postgres {
  return {
    url: `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    exited: server.exited,
    unguarded: server.unguarded,
    // pg_ctl(1): SIGINT is the fast shutdown, SIGQUIT the immediate one, which the next start recovers from.
    stop: () => stopServerProcess(server, ['SIGINT', 'SIGQUIT'], STOP_GRACE_MS),
    kill: async () => {
      server.kill()
      await server.exited
    },
  }
}

/**
 * Ends a server that a crash left running on the cluster, and removes its pid file: PostgreSQL refuses to start when
 * any other process has the id in it by now, which in a container happens soon.
 */
async function clearLeftover(clusterDir: string, log: Log): Promise<void> {
  const pidFile = join(clusterDir, 'postmaster.pid')
  const leftover = await processOfPidFile(pidFile, clusterDir)
  if (leftover !== undefined) {
    log(`Ending the PostgreSQL that was left running (process ${leftover.pid})`)
    await endProcess(leftover, { signal: 'SIGINT', graceMs: STOP_GRACE_MS })
  }
  await rm(pidFile, { force: true })
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new StartError('folder_unusable', `Cannot write to ${folder}: ${reasonOf(cause)}.`, { cause })
  }
}
