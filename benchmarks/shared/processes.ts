import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeOptionsOf, type ServiceName } from '@sluice/local'
import { PROJECT_DIR } from './nats.ts'

/** Runs a service as its own process, as the stack does; resolves when it is ready. It ends when the benchmark ends. */
export function startServiceProcess(
  service: ServiceName,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<ChildProcess> {
  return startProgram(join(PROJECT_DIR, 'services', service, 'src/main.ts'), environment, [
    ...nodeOptionsOf(service),
    ...nodeOptions,
  ])
}

/** Runs a program as its own process; resolves when it reports `ready`. */
export async function startProgram(
  file: string,
  environment: Readonly<Record<string, string>>,
  nodeOptions: readonly string[] = [],
): Promise<ChildProcess> {
  const child = fork(file, {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'error', ...environment },
    execArgv: [...nodeOptions],
  })
  const [event] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (event !== 'ready') throw new Error(`${file} did not start`)
  return child
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** Returns the process's id. @throws Error if it could not be started */
export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process was not started')
  return child.pid
}

/**
 * Returns the CPU time that all threads of a process have used so far, in user and kernel mode, in milliseconds, a
 * multiple of 10.
 * @see proc_pid_stat(5): fields 14 and 15, in ticks, 100 per second on Linux
 */
export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name, which may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

const TICK_MS = 10

/** Everything that a benchmark has started, so that all of it is stopped even if something fails in between. */
export interface Started {
  /** Registers the result of `starting` to be stopped, and resolves with it. */
  add<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T>
  /** Stops everything, the latest first; continues past failures, which it prints. */
  stop(): Promise<void>
}

export function createStarted(): Started {
  const running: { stop(): Promise<void> }[] = []
  return {
    add: async (starting) => {
      const started = await starting
      running.push(started)
      return started
    },
    stop: async () => {
      for (const { stop } of running.splice(0).reverse()) {
        await stop().catch((error: unknown) => console.error(error))
      }
    },
  }
}
