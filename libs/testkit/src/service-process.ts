import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { freezeProcess } from './freeze.ts'

/** A service as its own process, run with nothing in its environment but what it is given. */
export interface ServiceProcess {
  /** Resolves when it says that it is ready; rejects with what it wrote when it ends before. */
  readonly ready: Promise<void>
  /** What it has written so far, to either stream. */
  output(): string
  /** Stops it in its tracks (SIGSTOP): its connections stay open, and nothing is answered on them. */
  pause(): void
  resume(): void
  /** Sends SIGTERM and resolves with the exit code; null where a signal ended it. */
  stop(): Promise<number | null>
  /** Ends it with SIGKILL, paused or not. */
  kill(): Promise<void>
}

/** @param service the folder below `services` */
export function startServiceProcess(service: string, env: Readonly<Record<string, string>>): ServiceProcess {
  const program = resolve(import.meta.dirname, '../../../services', service, 'src/main.ts')
  const child = fork(program, { env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const { pid } = child
  if (pid === undefined) throw new Error(`${service} cannot be started`)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  const endedFirst = exited.then((code) => {
    throw new Error(`${service} ended (${code}): ${text}`)
  })
  const ready = Promise.race([once(child, 'message').then(() => undefined), endedFirst])
  // Whoever awaits it learns of it; one that is stopped while it starts is no unhandled rejection.
  ready.catch(() => undefined)
  return {
    ready,
    output: () => text,
    pause: () => freezeProcess(pid),
    resume: () => void child.kill('SIGCONT'),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
