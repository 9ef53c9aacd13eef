import { fileURLToPath } from 'node:url'
import { startServiceProcess } from '@sluice/local-servers'
import { freezeProcess } from './freeze.ts'

/** A service as a process of its own, with nothing in its environment but what the test gives it. */
export interface TestServiceProcess {
  /** Resolves when the process says that it is ready; rejects with its output when it ends before. */
  readonly ready: Promise<void>
  /** Returns what it has written so far, to either stream. */
  output(): string
  /** Stops it (SIGSTOP): its connections stay open, and nothing responds. */
  freeze(): void
  /** Lets a frozen process continue. */
  thaw(): void
  /** Sends SIGTERM and resolves with how it ended: `exit 0`, or a signal. */
  stop(): Promise<string>
  /** Ends it with SIGKILL, frozen or not. */
  kill(): Promise<void>
}

/** @param program the service's `main.ts` */
export function testServiceProcess(program: URL, env: Readonly<Record<string, string>>): TestServiceProcess {
  const lines: string[] = []
  const child = startServiceProcess({ program: fileURLToPath(program), env, log: (line) => lines.push(line) })
  const { pid } = child
  if (pid === undefined) throw new Error(`${program.pathname} cannot be started`)
  const output = () => lines.join('\n')
  const endedFirst = child.exited.then((reason) => {
    throw new Error(`${program.pathname} ended (${reason}): ${output()}`)
  })
  const ready = Promise.race([child.ready, endedFirst])
  // A test that stops the process while it starts does not await it.
  ready.catch(() => undefined)
  return {
    ready,
    output,
    freeze: () => freezeProcess(pid),
    thaw: () => process.kill(pid, 'SIGCONT'),
    stop: () => {
      child.terminate()
      return child.exited
    },
    kill: async () => {
      child.kill()
      await child.exited
    },
  }
}
