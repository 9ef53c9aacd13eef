import { fork } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { binDir, locateNatsServer, type Postgres, startPostgres } from '@sluice/local'
import type { TestProject } from 'vitest/node'
import { prepareTestRoles } from './database-roles.ts'
import type {} from './run-context.ts'
import { sweep } from './sweep.ts'

/** Each test file has pools of its own, and several files run at a time. */
const MAX_CONNECTIONS = 300

/**
 * Prepares what all tests of a run share: the nats-server program (that of `SLUICE_NATS_SERVER` when set), and one PostgreSQL (that of `TEST_DATABASE_URL` when
 * set). The janitor, a process of its own, clears everything away should this one be killed.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runDir = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  const janitor = fork(resolve(import.meta.dirname, 'janitor.ts'), [runDir], { detached: true, stdio: 'ignore' })
  janitor.unref()
  janitor.channel?.unref()
  const natsServer = await locateNatsServer({
    binDir,
    forcedPath: process.env.SLUICE_NATS_SERVER,
    log: (line) => process.stdout.write(`${line}\n`),
  })
  const given = process.env.TEST_DATABASE_URL
  const postgres: Postgres | undefined =
    given === undefined
      ? await startPostgres({
          dataDir: join(runDir, 'postgres'),
          port: 0,
          durable: false,
          maxConnections: MAX_CONNECTIONS,
          log: () => undefined,
        })
      : undefined
  const databaseAdminUrl = postgres?.url ?? given ?? ''
  await prepareTestRoles(databaseAdminUrl)
  project.provide('runDir', runDir)
  project.provide('natsServerPath', natsServer.path)
  project.provide('databaseAdminUrl', databaseAdminUrl)
  return async () => {
    await postgres?.stop()
    await sweep(runDir)
    janitor.disconnect()
  }
}
