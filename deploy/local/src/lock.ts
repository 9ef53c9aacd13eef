import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from './log.ts'
import { makeFolder } from './make-folder.ts'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'
import { StartError } from './start-error.ts'

export interface Lock {
  release(): Promise<void>
}

/**
 * Makes this process the only start on `dataDir`, which it creates. The lock names its holder by pid and start time, so
 * that one whose holder is gone is recognised, also when the pid is another process's by now, and taken over.
 * @throws StartError `already_running` while another start holds it; `folder_unusable` when the folder cannot be written.
 */
export async function acquireLock(dataDir: string, log: Log): Promise<Lock> {
  const path = join(dataDir, 'lock')
  const mine = await identifyProcess(process.pid)
  if (mine === undefined) throw new StartError('process_failed', 'The system does not say when this process started.')
  for (;;) {
    if (await tryCreate(dataDir, path, mine)) return { release: () => rm(path, { force: true }) }
    const holder = await readHolder(path)
    if (holder !== undefined && (await isRunning(holder))) {
      throw new StartError(
        'already_running',
        `Sluice is already running on ${dataDir} (process ${holder.pid}): stop it first, or choose another folder with SLUICE_DATA_DIR.`,
      )
    }
    if (await removeStale(path, holder))
      log(`The last run did not end in order (process ${holder?.pid ?? 'unknown'}): recovering`)
  }
}

/** Creates the lock with its content in one step: a link fails when the name is taken. */
async function tryCreate(dataDir: string, path: string, holder: ProcessIdentity): Promise<boolean> {
  const draft = join(dataDir, `lock.${randomUUID()}`)
  try {
    await makeFolder(dataDir)
    await writeFile(draft, JSON.stringify(holder))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `Cannot write to ${dataDir} (${reason}): choose another folder with SLUICE_DATA_DIR.`
    throw new StartError('folder_unusable', message, { cause })
  }
  return moveIfFree(draft, path)
}

/** Gives a file its name unless that is taken, and removes it otherwise. True when it has the name now. */
export async function moveIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(from, { force: true })
  }
}

/** Undefined when there is no lock, or one that nothing can be read from. */
async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, 'utf8'))
    return isIdentity(holder) ? holder : undefined
  } catch {
    return undefined
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('startedAt' in value)) return false
  return typeof value.pid === 'number' && typeof value.startedAt === 'string'
}

/** Moves the lock aside and looks again, for another start may have taken it over since it was read. */
async function removeStale(path: string, stale: ProcessIdentity | undefined): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
  const moved = await readHolder(aside)
  const isStale = moved?.pid === stale?.pid && moved?.startedAt === stale?.startedAt
  if (isStale) await rm(aside, { force: true })
  // Meanwhile the name was free, so that yet another start may have taken it: the lock is its own then.
  else await moveIfFree(aside, path)
  return isStale
}
