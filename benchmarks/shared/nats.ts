import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { binDir, locateNatsServer, type NatsServer, startNatsServer } from '@sluice/local'

export const PROJECT_DIR = resolve(import.meta.dirname, '../..')

export interface BenchmarkNats {
  readonly url: string
  readonly serverPath: string
  /** Stops it and starts it again on its port, with what it stored. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A nats-server of the benchmark's own, with JetStream in files, in a temporary folder. */
export async function benchmarkNats(): Promise<BenchmarkNats> {
  const log = (line: string) => console.error(line)
  const serverPath = await locateNatsServer({ binDir, log })
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-benchmark-'))
  const start = (port: number) => startNatsServer({ serverPath, dataDir, port, log: () => undefined })
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
