import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A process, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, as the system states it: to be compared, not read. */
  readonly startedAt: string
}

/** Who runs under `pid` now; undefined when nobody does. A process that has ended and was not yet reaped is nobody. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const status = platform() === 'linux' ? await readProcStat(pid) : await askPs(pid, 'stat=', 'lstart=')
  if (status === undefined || status.startsWith('Z')) return undefined
  // proc(5): the third field of /proc/<pid>/stat is the state, the 22nd the start in clock ticks since boot.
  const startedAt = platform() === 'linux' ? status.split(' ')[19] : status.replace(/^\S+\s+/, '')
  return startedAt === undefined ? undefined : { pid, startedAt }
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startedAt === identity.startedAt
}

/** The program and arguments that `pid` was started with, joined by spaces; undefined when nothing runs there. */
export async function commandLine(pid: number): Promise<string | undefined> {
  if (platform() !== 'linux') return askPs(pid, 'command=')
  const text = await readOptional(`/proc/${pid}/cmdline`)
  return text === undefined || text === '' ? undefined : text.replaceAll('\0', ' ').trim()
}

/**
 * Asks a process to end with `signal` and waits; one that is still there after `graceMs` milliseconds is ended by SIGKILL.
 * Safe when the process is gone, or its pid is somebody else's by now.
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

/** Sends `signal` to a process, or to a process group when `pid` is negative. False when there is none of ours. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // macOS says EPERM of a group whose processes have all ended and were not yet reaped.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false
    throw error
  }
}

/** From the state on: the second field, the program's name in parentheses, may hold spaces and parentheses itself. */
async function readProcStat(pid: number): Promise<string | undefined> {
  const text = await readOptional(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2)
}

async function readOptional(path: string): Promise<string | undefined> {
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
    const { stdout } = await promisify(execFile)('ps', [
      ...columns.flatMap((column) => ['-o', column]),
      '-p',
      String(pid),
    ])
    return stdout.trim() === '' ? undefined : stdout.trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return undefined
    throw error
  }
}
