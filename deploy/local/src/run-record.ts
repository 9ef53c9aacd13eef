import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcess, identifyProcess, isRunning, type Log } from '@sluice/local-servers'
import { parseIdentity } from './lock.ts'

/** Remembers which processes run, so that the next start can end those that a crash left. */
export interface RunRecord {
  add(name: string, pid: number): Promise<void>
  remove(name: string): Promise<void>
}

const GRACE_MS = 10_000

/**
 * Opens the record in `folder`, having ended every process in it that still runs. A process is known by its id and
 * start time: one that got the same id later is left alone. The caller holds the lock.
 */
export async function openRunRecord(folder: string, log: Log): Promise<RunRecord> {
  await mkdir(folder, { recursive: true })
  const names = await readdir(folder)
  await Promise.all(names.map((name) => endLeftover(join(folder, name), name, log)))
  return {
    add: async (name, pid) => {
      const identity = await identifyProcess(pid)
      if (identity !== undefined) await writeFile(join(folder, name), JSON.stringify(identity))
    },
    remove: (name) => rm(join(folder, name), { force: true }),
  }
}

async function endLeftover(path: string, name: string, log: Log): Promise<void> {
  const identity = parseIdentity(await readFile(path, 'utf8'))
  if (identity !== undefined && (await isRunning(identity))) {
    log(`Ending ${name}, which the last run left running (process ${identity.pid})`)
    await endProcess(identity, { signal: 'SIGTERM', graceMs: GRACE_MS })
  }
  await rm(path, { force: true })
}
