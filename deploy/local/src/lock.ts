import { createHash, randomUUID } from 'node:crypto'
import { link, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  identifyProcess,
  isRunning,
  type Log,
  type ProcessIdentity,
  readOptional,
  reasonOf,
  StartError,
} from '@sluice/local-servers'
import { makeFolder } from './data-folder.ts'

export interface Lock {
  release(): Promise<void>
}

/**
 * Makes this process the only start on `dataDir`, which it creates. The lock names its holder by process id and start
 * time: a lock whose holder has ended is recognized, also when another process has its id by now, and taken over.
 * @throws StartError `already_running` while another start holds it; `folder_unusable` when the folder cannot be written
 */
export async function acquireLock(dataDir: string, log: Log): Promise<Lock> {
  const path = join(dataDir, 'lock')
  const mine = await identifyProcess(process.pid)
  if (mine === undefined) throw new StartError('process_failed', 'Cannot read the start time of this process.')
  for (;;) {
    if (await tryCreate(dataDir, path, mine)) return { release: () => rm(path, { force: true }) }
    const { text, holder, isHeld } = await readLock(path)
    if (holder !== undefined && isHeld) {
      throw new StartError(
        'already_running',
        `Sluice is already running on ${dataDir} (process ${holder.pid}): stop it first, or choose another folder with SLUICE_DATA_DIR.`,
      )
    }
    if (text !== undefined && (await removeStale(dataDir, path, text, mine)))
      log(`The last run (process ${holder?.pid ?? 'unknown'}) did not stop in order: recovering`)
  }
}

/** Creates the lock with its content in one step: a link fails when the name is taken. */
async function tryCreate(dataDir: string, path: string, holder: ProcessIdentity): Promise<boolean> {
  const draft = join(dataDir, `lock.${randomUUID()}`)
  try {
    await makeFolder(dataDir)
    await writeFile(draft, JSON.stringify(holder))
  } catch (cause) {
    const message = `Cannot write to ${dataDir} (${reasonOf(cause)}): choose another folder with SLUICE_DATA_DIR.`
    throw new StartError('folder_unusable', message, { cause })
  }
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * Removes the lock with the text `stale`, whose holder has ended. Several starts may have read it, and the quickest
 * may hold the lock already: only the start that has claimed this very text may remove it, and reads it again first. A
 * claim is a lock itself, which a start that was killed may leave.
 */
async function removeStale(dataDir: string, path: string, stale: string, mine: ProcessIdentity): Promise<boolean> {
  const claim = `${path}.${createHash('sha256').update(stale).digest('hex').slice(0, CLAIM_CHARS)}`
  if (!(await tryCreate(dataDir, claim, mine))) {
    const { text, isHeld } = await readLock(claim)
    if (text !== undefined && !isHeld) await removeStale(dataDir, claim, text, mine)
    return false
  }
  try {
    if ((await readOptional(path)) !== stale) return false
    await rm(path)
    return true
  } finally {
    await rm(claim)
  }
}

interface ReadLock {
  /** Undefined when there is no lock. */
  readonly text: string | undefined
  readonly holder: ProcessIdentity | undefined
  /** True while its holder runs. */
  readonly isHeld: boolean
}

async function readLock(path: string): Promise<ReadLock> {
  const text = await readOptional(path)
  const holder = text === undefined ? undefined : parseIdentity(text)
  return { text, holder, isHeld: holder !== undefined && (await isRunning(holder)) }
}

/** Returns the process that the text names; undefined when it names none, as when a crash cut it short. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isIdentity(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('startedAt' in value)) return false
  return typeof value.pid === 'number' && typeof value.startedAt === 'string'
}

const CLAIM_CHARS = 16
