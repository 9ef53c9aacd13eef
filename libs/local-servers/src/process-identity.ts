import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { ExecaError, execa } from 'execa'

/** A process, distinguished from a later one with the same process id. */
export interface ProcessIdentity {
  readonly pid: number
  /** Its start time, in the system's own form: for comparison only. */
  readonly startedAt: string
}

/** Returns the process that has this id now; undefined when there is none, or it has ended and was not yet reaped. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const status = platform() === 'linux' ? await readProcStat(pid) : await askPs(pid, 'stat=', 'lstart=')
  if (status === undefined || status.startsWith('Z')) return undefined
  // proc(5): the third field of /proc/<pid>/stat is the state, the 22nd the start in clock ticks since boot.
  const startedAt = platform() === 'linux' ? status.split(' ')[19] : status.replace(/^\S+\s+/, '')
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** Returns whether a process still runs; false for a later one with its id. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startedAt === identity.startedAt
}

/**
 * Returns the program and arguments that `pid` was started with, joined by spaces; undefined when there is no such
 * process.
 */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (platform() !== 'linux') return askPs(pid, 'command=')
  const text = await readProc(`/proc/${pid}/cmdline`)
  return text === undefined || text === '' ? undefined : text.replaceAll('\0', ' ').trim()
}

/**
 * Returns the process whose id stands first in the file, if its command line contains `folder`; for pid files that a
 * crash left.
 */
export async function processOfPidFile(path: string, folder: string): Promise<ProcessIdentity | undefined> {
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
  if (!Number.isInteger(pid) || pid < 1) return undefined
  const identity = await identifyProcess(pid)
  const isOurs = (await commandLine(pid))?.includes(folder) ?? false
  return isOurs ? identity : undefined
}

/**
 * Sends `signal` to a process and waits for its end; kills it when it still runs after `graceMs` milliseconds. Does
 * nothing when the process has ended, whoever has its id now.
 */
export async function endProcess(
  identity: ProcessIdentity,
  { signal, graceMs }: { signal: NodeJS.Signals; graceMs: number },
): Promise<void> {
  if (!(await isRunning(identity))) return
  sendSignal(identity.pid, signal)
  const deadlineMs = performance.now() + graceMs
  while (await isRunning(identity)) {
    if (performance.now() > deadlineMs) sendSignal(identity.pid, 'SIGKILL')
    await delay(20)
  }
}

/**
 * Sends `signal` to a process, or to a process group when `pid` is negative. Returns false when there is none of ours.
 */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // macOS says EPERM of a group whose processes have all ended and were not yet reaped.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false
    throw error
  }
}

/**
 * Returns the fields from the state on: the second one, the program's name in parentheses, may hold spaces and
 * parentheses itself.
 */
async function readProcStat(pid: number): Promise<string | undefined> {
  const text = await readProc(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2)
}

async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    // ESRCH: the process ended between opening its file and reading it.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}

/** ps(1) exits with 1 when there is no such process. */
async function askPs(pid: number, ...columns: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await execa('ps', [...columns.flatMap((column) => ['-o', column]), '-p', String(pid)])
    return stdout.trim() === '' ? undefined : stdout.trim()
  } catch (error) {
    if (error instanceof ExecaError && error.exitCode === 1) return undefined
    throw error
  }
}
