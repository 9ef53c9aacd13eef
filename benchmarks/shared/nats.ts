import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  binDir,
  jetstreamConfig,
  locateNatsServer,
  type NatsServer,
  type SyncInterval,
  startNatsServer,
} from '@sluice/local'

export const PROJECT_DIR = resolve(import.meta.dirname, '../..')

export interface BenchmarkNats {
  readonly url: string
  readonly serverPath: string
  /** Stops it and starts it again on its port, with what it stored. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** What the embedded start runs NATS with unless it is set otherwise. */
const DEFAULT_SYNC_MS = 1_000

/**
 * Starts a nats-server of the benchmark's own, with JetStream in files in a temporary folder, that forces what it stores to the
 * disk at the interval given; one before 2.10 always does it every two minutes.
 */
export async function benchmarkNats(syncInterval: SyncInterval = DEFAULT_SYNC_MS): Promise<BenchmarkNats> {
  const log = (line: string) => console.error(line)
  const { path: serverPath, version } = await locateNatsServer({
    binDir,
    log,
    forcedPath: process.env.SLUICE_NATS_SERVER,
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-benchmark-'))
  const configFile = join(dataDir, 'nats.conf')
  await writeFile(configFile, jetstreamConfig(syncInterval, version))
  const start = (port: number) => startNatsServer({ serverPath, dataDir, configFile, port, log: () => undefined })
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
