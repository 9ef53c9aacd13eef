import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { sendSignal } from './process-identity.ts'
import { ServerStartError, StartError } from './start-error.ts'

/**
 * Runs servers such as nats-server and PostgreSQL, which do not notice that the process that started them was killed.
 * Each has a guard of its own that does: a shell, beside the server and in its process group, that waits for the end of
 * a pipe from this process.
 */

/** Takes one line, without its line break. */
export type Log = (line: string) => void

/** nats-server or PostgreSQL, running. */
export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Resolves when the process has ended, with `exit 1` or `SIGKILL`. */
  readonly exited: Promise<string>
  /** See {@link ServerProcess.unguarded}. */
  readonly unguarded: Promise<void>
  /** Ends it in order: what it confirmed is on disk. */
  stop(): Promise<void>
  /** Ends it as a crash would. */
  kill(): Promise<void>
}

export interface ServerCommand {
  /** For messages: `nats-server`. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The user to run as; the caller's own when absent. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** The server's whole environment; this process's own when absent. */
  readonly env?: Readonly<Record<string, string>>
  /** Makes the server end in order. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM'
  /** The line of output that says that the server takes connections. */
  readonly readyLine: RegExp
  readonly readyTimeoutMs: number
  readonly log: Log
}

export interface ServerProcess {
  readonly pid: number
  /** Resolves when the process has ended, with `exit 1` or `SIGKILL`. */
  readonly exited: Promise<string>
  /** Resolves when the guard ends before the server: were this process killed now, the server would be left running. */
  readonly unguarded: Promise<void>
  /** Sends a signal to the server alone. */
  signal(signal: NodeJS.Signals): void
  /** Ends the server and its guard at once. */
  kill(): void
}

const KEPT_LINES = 20
const LAST_LINES_MS = 1_000

/**
 * The server replaces the shell (`exec`), so that its process id and exit code are this process's child's. The guard is
 * made by a shell between, which ends at once: the server does not get a child that it does not know. A line on the
 * pipe (3) says that the server has ended; its end without one, that this process has. While the guard lives, so does
 * the process group, and no other process can be given the server's id.
 */
const GUARDED = `
stop=$1; shift
(
  (
    read -r _ <&3 && exit
    kill -s "$stop" $$
    i=0
    while kill -s 0 $$ && [ $i -lt 50 ]; do sleep 0.2; i=$((i + 1)); done
    kill -s KILL -- -$$
  ) </dev/null >/dev/null 2>&1 &
)
exec "$@" 3<&-
`

/** Exit codes of the shell where it finds no such program, or may not run it. */
const CANNOT_RUN = ['exit 126', 'exit 127']

/**
 * Runs a server and resolves once it has written its ready line. The server ends when this process does, however that
 * ends.
 * @throws ServerStartError when it ends before that or takes longer than `readyTimeoutMs`; it no longer runs then
 * @throws StartError `tool_missing` when the program cannot be run
 */
export async function startServerProcess(options: ServerCommand): Promise<ServerProcess> {
  const { name, command, args, user, env, stopSignal, readyLine, readyTimeoutMs, log } = options
  const guarded = ['-c', GUARDED, 'sh', stopSignal.replace('SIG', ''), command, ...args]
  const child = spawn('sh', guarded, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...user,
    ...(env && { env }),
  })
  const { pid } = child
  const exited = exitOf(child)
  const output: string[] = []
  const ready = new Promise<'ready'>((resolve) => {
    const take = (line: string) => {
      log(line)
      output.push(line)
      if (output.length > KEPT_LINES) output.shift()
      if (readyLine.test(line)) resolve('ready')
    }
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', take)
    }
  })
  const unguarded = guardEnd(child)
  if (pid === undefined) throw new StartError('tool_missing', `Cannot run ${name}: ${await exited}.`)
  const kill = () => {
    if (isRunning(child)) sendSignal(-pid, 'SIGKILL')
  }

  const first = await firstOf([ready, exited], readyTimeoutMs)
  if (first === 'ready') return { pid, exited, unguarded, signal: (signal) => void child.kill(signal), kill }
  kill()
  await exited
  const last = output.at(-1) ?? 'it wrote nothing'
  if (CANNOT_RUN.includes(`${first}`)) throw new StartError('tool_missing', `Cannot run ${name} (${command}): ${last}.`)
  const reason = first === undefined ? `was not ready within ${readyTimeoutMs / 1000} s` : `ended (${first})`
  throw new ServerStartError(`${name} ${reason}: ${last}`, output)
}

/** Ends a server in order: sends each signal and waits `graceMs` for the end, then kills it. */
export async function stopServerProcess(
  server: ServerProcess,
  signals: readonly NodeJS.Signals[],
  graceMs: number,
): Promise<void> {
  for (const signal of signals) {
    server.signal(signal)
    if ((await firstOf([server.exited], graceMs)) !== undefined) return
  }
  server.kill()
  await server.exited
}

/** Resolves as the first of `promises` does; with undefined after `timeoutMs`. */
async function firstOf<T>(promises: readonly Promise<T>[], timeoutMs: number): Promise<T | undefined> {
  const giveUp = new AbortController()
  const tooLate = delay(timeoutMs, undefined, { signal: giveUp.signal }).catch(() => undefined)
  try {
    return await Promise.race([...promises, tooLate])
  } finally {
    giveUp.abort()
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => {
      const reason = signal ?? `exit ${code}`
      // `close` follows the last line of output. Children of the server that live on for a while may hold it up.
      const timer = setTimeout(() => resolve(reason), LAST_LINES_MS)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(reason)
      })
    })
  })
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** Lets the guard go when the server has ended, and resolves when the guard ends of itself before. */
function guardEnd(child: ChildProcess): Promise<void> {
  const pipe = child.stdio[3]
  if (!(pipe instanceof Duplex)) throw new Error('the pipe to the guard was not made')
  return new Promise((resolve) => {
    child.once('exit', () => pipe.end('\n'))
    // A guard that has ended cannot be written to.
    pipe.on('error', () => undefined)
    pipe.once('end', () => {
      if (isRunning(child)) resolve()
    })
    pipe.resume()
  })
}
