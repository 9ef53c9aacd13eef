import { resolve as resolvePath } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { sendSignal } from './process-identity.ts'
import type { Log } from './server-process.ts'

export interface ServiceCommand {
  /** The TypeScript file to run. */
  readonly program: string
  readonly args?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** Its whole environment, but for where Node keeps compiled modules. */
  readonly env: Readonly<Record<string, string>>
  /** Takes each line that it writes, to either stream. */
  readonly log: Log
}

export interface ServiceProcess {
  /** Undefined when the process could not be started; `exited` says why. */
  readonly pid: number | undefined
  /** Resolves when the process says that it is ready. */
  readonly ready: Promise<void>
  /** Resolves when it has ended and its last line was read, with `exit 1` or `SIGKILL`. */
  readonly exited: Promise<string>
  /** Asks it to end (SIGTERM). */
  terminate(): void
  /** Ends the process and all that it started. */
  kill(): void
}

/** Where Node keeps compiled code, which nearly halves the CPU that a service takes to load. */
export const compileCacheDir = resolvePath(import.meta.dirname, '../../../node_modules/.cache/compiled')

/**
 * Runs a service as a process of its own, with a channel (IPC) on which it says `ready`, and whose end shows it that
 * this process has ended. It leads a process group: a terminal's Ctrl-C reaches this process alone, which stops the
 * others in order.
 */
export function startServiceProcess({
  program,
  args = [],
  nodeOptions = [],
  env,
  log,
}: ServiceCommand): ServiceProcess {
  const child = execa(process.execPath, [...nodeOptions, program, ...args], {
    ipc: true,
    serialization: 'json',
    env: { NODE_COMPILE_CACHE: compileCacheDir, ...env },
    extendEnv: false,
    detached: true,
    cleanup: false,
    forceKillAfterDelay: false,
    stdin: 'ignore',
    buffer: false,
    reject: false,
  })
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', log)
  const exited = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message: unknown) => {
      if (message === 'ready') resolve()
    })
  })
  const { pid } = child
  return {
    pid,
    ready,
    exited,
    terminate: () => void child.kill('SIGTERM'),
    kill: () => {
      if (pid !== undefined && child.exitCode === null && child.signalCode === null) sendSignal(-pid, 'SIGKILL')
    },
  }
}
