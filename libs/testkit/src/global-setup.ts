import { fork } from 'node:child_process'
import { mkdtemp, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { locateNatsServer, type Postgres, startPostgres } from '@sluice/local-servers'
import type { TestProject } from 'vitest/node'
import { prepareTestRoles } from './database.ts'
import { sweep } from './janitor.ts'
import type {} from './run-context.ts'

/** Each test file has pools of its own, and several files run at a time. */
const MAX_CONNECTIONS = 300

/** Linux has it; containers often give it 64 MiB. */
const MEMORY_FOLDER = '/dev/shm'
/** Several times what a run of all tests stores at a time. */
const STORAGE_BYTES = 4 * 1024 ** 3

/** Downloaded programs, shared with the embedded start. */
const binDir = resolve(import.meta.dirname, '../../../.sluice/bin')

/**
 * Prepares what all tests of a run share: the nats-server program (`SLUICE_NATS_SERVER` when set) and one PostgreSQL (`TEST_DATABASE_URL`
 * when set). The janitor, a process of its own, cleans up when this process is killed.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runDir = await mkdtemp(join(await storageFolder(), 'sluice-test-'))
  const janitor = fork(resolve(import.meta.dirname, 'janitor.ts'), [runDir], { detached: true, stdio: 'ignore' })
  janitor.unref()
  janitor.channel?.unref()
  const natsServer = await locateNatsServer({
    binDir,
    forcedPath: process.env.SLUICE_NATS_SERVER,
    log: (line) => process.stdout.write(`${line}\n`),
  })
  const { url, stop } = await testPostgres(runDir, process.env.TEST_DATABASE_URL)
  await prepareTestRoles(url)
  project.provide('runDir', runDir)
  project.provide('natsServerPath', natsServer.path)
  project.provide('databaseAdminUrl', url)
  return async () => {
    await stop()
    await sweep(runDir)
    janitor.disconnect()
  }
}

/**
 * Returns the folder for what the servers of a run store: in memory where that has room, as creating a database on a slow disk takes
 * seven times the CPU.
 */
async function storageFolder(): Promise<string> {
  const { bavail = 0, bsize = 0 } = (await statfs(MEMORY_FOLDER).catch(() => undefined)) ?? {}
  return bavail * bsize >= STORAGE_BYTES ? MEMORY_FOLDER : tmpdir()
}

async function testPostgres(runDir: string, runningUrl: string | undefined): Promise<Pick<Postgres, 'url' | 'stop'>> {
  if (runningUrl !== undefined) return { url: runningUrl, stop: async () => undefined }
  return startPostgres({
    dataDir: join(runDir, 'postgres'),
    port: 0,
    durable: false,
    maxConnections: MAX_CONNECTIONS,
    log: () => undefined,
  })
}
