import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'

/** A program of the service, as a process of its own. */
interface RunningProgram {
  readonly child: ChildProcess
  /** What it has written so far, to either stream. */
  readonly output: { readonly text: string }
  /** Its exit code; null where it was killed. */
  readonly exited: Promise<number | null>
}

/** Programs of the service, run with nothing in their environment but what they are given. */
export interface Programs {
  /** @param program its path below `src` */
  run(program: string, env: Readonly<Record<string, string>>, args?: readonly string[]): RunningProgram
  /** Ends those that still run. */
  kill(): void
}

export function testPrograms(): Programs {
  const running = new Set<ChildProcess>()
  return {
    run: (program, env, args = []) => {
      const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../src', program), ...args], { env })
      running.add(child)
      const output = { text: '' }
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          output.text += chunk
        })
      }
      const exited = once(child, 'close').then(([code]: (number | null)[]) => {
        running.delete(child)
        return code ?? null
      })
      return { child, output, exited }
    },
    kill: () => {
      for (const child of running) child.kill('SIGKILL')
    },
  }
}
