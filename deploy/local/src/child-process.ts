import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Log } from './log.ts'
import { sendSignal } from './process-identity.ts'

export interface ProcessSpec {
  /** For logs and messages: `gateway-1`. */
  readonly name: string
  /** The TypeScript file to run. */
  readonly file: string
  readonly nodeOptions?: readonly string[]
  /** Its arguments; after its first start, `last` is what it said when it was ready. */
  readonly args?: (last: Ready | undefined) => readonly string[]
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** How long it may take until it says `ready`. */
  readonly readyTimeoutMs: number
  /** How long it may take to end after SIGTERM. */
  readonly stopTimeoutMs: number
}

/** What a process says when it is ready; services say the bare word, keepers tell about their server. */
export interface Ready {
  /** The program that the process is there for, when that is not the process itself. */
  readonly pid?: number
  readonly url?: string
  readonly port?: number
}

export interface RunningChild {
  /** Undefined when it could not be started at all; `exited` says so. */
  readonly pid: number | undefined
  readonly ready: Promise<Ready>
  /** Resolves when it has ended and its last line was read: `exit 1`, `SIGKILL`. */
  readonly exited: Promise<string>
  terminate(): void
  /** Ends the process and all it started, now. */
  kill(): void
}

/**
 * Runs a program of ours with a channel (IPC) on which it says that it is ready, and by whose end it notices that this
 * process is gone. It leads a process group of its own: a terminal's Ctrl-C reaches this process alone, which then stops
 * everything in order.
 */
export function startChild(spec: ProcessSpec, last: Ready | undefined, log: Log): RunningChild {
  const child = spawn(process.execPath, [...(spec.nodeOptions ?? []), spec.file, ...(spec.args?.(last) ?? [])], {
    detached: true,
    env: spec.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  // stdio above makes both pipes; the general type does not know.
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on('line', log)
  const ready = Promise.withResolvers<Ready>()
  child.on('message', (message) => {
    if (message === 'ready') ready.resolve({})
    else if (typeof message === 'object' && message !== null && 'ready' in message) ready.resolve(message as Ready)
  })
  const exited = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `exit ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  const { pid } = child
  return {
    pid,
    ready: ready.promise,
    exited,
    terminate: () => void child.kill('SIGTERM'),
    kill: () => void (pid !== undefined && sendSignal(-pid, 'SIGKILL')),
  }
}
