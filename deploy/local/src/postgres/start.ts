import { chmod, chown, mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { freePort } from '../ports.ts'
import { type ServerProcess, ServerStartError, startServerProcess, stopServerProcess } from '../server-process.ts'
import { StartError } from '../start-error.ts'
import { postgresBinaries } from './binaries.ts'
import { type Cluster, openCluster, POSTGRES_USER } from './cluster.ts'
import { clearLeftover } from './leftover.ts'
import { type RunAs, runAs } from './run-as.ts'

export interface PostgresOptions {
  /** Holds the cluster and its password. One server at a time may use it: the caller sees to that. */
  readonly dataDir: string
  /** 0 takes a free port. */
  readonly port: number
  /** False trades safety from power cuts for speed: for tests. True when absent. */
  readonly durable?: boolean
  /** 100 when absent. */
  readonly maxConnections?: number
  readonly log: Log
}

export interface Postgres {
  /** `postgres://user:password@127.0.0.1:port/postgres`, for the cluster's owner. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the server has ended, for whatever reason: `exit 1`, `SIGKILL`. */
  readonly exited: Promise<string>
  /** Ends it in order: open transactions are rolled back, the next start needs no recovery. */
  stop(): Promise<void>
}

const READY_TIMEOUT_MS = 60_000
const RETRY_FOR_MS = 15_000
const STOP_GRACE_MS = 10_000
const PORT_ATTEMPTS = 5

/**
 * Runs a real PostgreSQL on loopback and resolves once it takes connections. It works for root too (`runAs`), makes its
 * data at the first start, and recovers what a crashed predecessor left.
 * @throws StartError when it cannot run here; ServerStartError when it does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const dataDir = resolve(options.dataDir)
  const binaries = await postgresBinaries()
  await makeFolder(dataDir)
  const as = await runAs(dataDir, [binaries.postgres])
  await chmod(dataDir, 0o700)
  if (as.user !== undefined) await chown(dataDir, as.user.uid, as.user.gid)
  const cluster = await openCluster(dataDir, binaries, as)
  await clearLeftover(cluster.clusterDir, options.log)

  const giveUpAtMs = performance.now() + RETRY_FOR_MS
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port
    try {
      const server = await startOn(port, cluster, binaries.postgres, as, options)
      return running(server, port, cluster)
    } catch (error) {
      const output = error instanceof ServerStartError ? error.output.join('\n') : ''
      // The children of a server that was killed take a moment to notice and to let go of its memory.
      const isClearing = /pre-existing shared memory block/.test(output) && performance.now() < giveUpAtMs
      const isTaken = /Address already in use/.test(output) && options.port === 0 && attempt < PORT_ATTEMPTS
      if (!isClearing && !isTaken) throw error
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
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { command, args } = as.command(postgres, ['-D', clusterDir, ...flags])
  return startServerProcess({
    name: 'PostgreSQL',
    command,
    args,
    ...(as.spawnAs && { user: as.spawnAs }),
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
    // pg_ctl(1): SIGINT is the fast shutdown, SIGQUIT the immediate one, which the next start recovers from.
    stop: () => stopServerProcess(server, ['SIGINT', 'SIGQUIT'], STOP_GRACE_MS),
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartError('folder_unusable', `Cannot write to ${folder}: ${reason}.`, { cause })
  }
}
