import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { binDir } from '@sluice/local'
import {
  effectiveSyncInterval,
  jetstreamConfig,
  locateNatsServer,
  type NatsServer,
  type SyncInterval,
  startNatsServer,
} from '@sluice/local-servers'

export const PROJECT_DIR = resolve(import.meta.dirname, '../..')

export interface BenchmarkNats {
  readonly url: string
  readonly serverPath: string
  /** Restarts it on the same port, with its stored data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The default of the embedded start. */
const DEFAULT_SYNC_MS = 1_000

/**
 * Finds a nats-server (`SLUICE_NATS_SERVER`, or that of the embedded start), and writes its configuration into the
 * folder of its streams. It syncs to disk at the given interval; versions before 2.10 always sync every two minutes.
 */
export async function prepareNats(dataDir: string, syncInterval: SyncInterval = DEFAULT_SYNC_MS) {
  const { path: serverPath, version } = await locateNatsServer({
    binDir,
    log: (line) => console.error(line),
    forcedPath: process.env.SLUICE_NATS_SERVER,
  })
  const configFile = join(dataDir, 'nats.conf')
  await mkdir(dataDir, { recursive: true })
  await writeFile(configFile, jetstreamConfig(syncInterval, version))
  const applied = effectiveSyncInterval(syncInterval, version)
  return { serverPath, dataDir, configFile, appliedSyncMs: applied === 'always' ? 0 : applied }
}

/** Starts a nats-server for the benchmark, with JetStream in files in a temporary folder. */
export async function benchmarkNats(syncInterval?: SyncInterval): Promise<BenchmarkNats> {
  const prepared = await prepareNats(await mkdtemp(join(tmpdir(), 'sluice-benchmark-')), syncInterval)
  const { serverPath, dataDir } = prepared
  const start = (port: number) => startNatsServer({ ...prepared, port, log: () => undefined })
  let server: NatsServer = await start(0)
  return {
    url: server.url,
    serverPath,
    restart: async () => {
      await server.stop()
      server = await start(server.port)
    },
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
