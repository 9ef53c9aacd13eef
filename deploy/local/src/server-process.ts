import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Log } from './log.ts'
import { StartError } from './start-error.ts'

export interface ServerCommand {
  /** For messages: `nats-server`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The user to run as; the caller's own when absent. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Its whole environment; this process's own when absent. */
  readonly env?: Readonly<Record<string, string>>
  /** The line of output with which the server says that it takes connections. */
  readonly readyLine: RegExp
  readonly readyTimeoutMs: number
  readonly log: Log
}

export interface ServerProcess {
  readonly pid: number
  /** Resolves when the process has ended: `exit 1`, `SIGKILL`. */
  readonly exited: Promise<string>
  kill(signal: NodeJS.Signals): void
}

/** Why a server did not become ready: what it wrote, newest last. */
export class ServerStartError extends StartError {
  readonly output: readonly string[]

  constructor(message: string, output: readonly string[]) {
    super('process_failed', message)
    this.output = output
  }
}

const KEPT_LINES = 20
const LAST_LINES_MS = 1_000

/**
 * Runs a server and resolves once it has written its ready line.
 * @throws ServerStartError when it ends before that or takes longer than `readyTimeoutMs`; the process is gone then.
 * @throws StartError `tool_missing` when the program cannot be run at all.
 */
export async function startServerProcess(options: ServerCommand): Promise<ServerProcess> {
  const child = spawn(options.command, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.user,
    ...(options.env && { env: options.env }),
  })
  const exited = exitOf(child, options)
  // A fault to run it reaches the caller through the race below; later nobody may be listening.
  exited.catch(() => undefined)
  const output: string[] = []
  const ready = new Promise<'ready'>((resolve) => {
    const take = (line: string) => {
      options.log(line)
      output.push(line)
      if (output.length > KEPT_LINES) output.shift()
      if (options.readyLine.test(line)) resolve('ready')
    }
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)
  })
  const timer = deadline(options.readyTimeoutMs)
  const first = await Promise.race([ready, timer.passed, exited])
  timer.cancel()
  if (first === 'ready' && child.pid !== undefined) {
    return { pid: child.pid, exited, kill: (signal) => void child.kill(signal) }
  }
  if (first === 'too late') {
    child.kill('SIGKILL')
    await exited
  }
  const reason = first === 'too late' ? `was not ready within ${options.readyTimeoutMs / 1000} s` : `ended (${first})`
  throw new ServerStartError(`${options.name} ${reason}: ${output.at(-1) ?? 'it wrote nothing'}`, output)
}

/** Waits for the end after a polite signal; after `graceMs` milliseconds each, the harder ones follow. */
export async function stopServerProcess(
  server: ServerProcess,
  signals: readonly NodeJS.Signals[],
  graceMs: number,
): Promise<void> {
  for (const signal of signals) {
    server.kill(signal)
    const timer = deadline(graceMs)
    const first = await Promise.race([server.exited, timer.passed])
    timer.cancel()
    if (first !== 'too late') return
  }
  server.kill('SIGKILL')
  await server.exited
}

function exitOf(child: ChildProcess, { name, command }: ServerCommand): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => {
      const reason = signal ?? `exit ${code}`
      // `close` comes after the last line of output. Children of the server that live on for a while may hold it up.
      const timer = setTimeout(() => resolve(reason), LAST_LINES_MS)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(reason)
      })
    })
    child.once('error', (cause) =>
      reject(new StartError('tool_missing', `Cannot run ${name} (${command}): ${cause.message}.`, { cause })),
    )
  })
}

function deadline(ms: number): { passed: Promise<'too late'>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<'too late'>()
  const timer = setTimeout(() => resolve('too late'), ms)
  return { passed: promise, cancel: () => clearTimeout(timer) }
}
