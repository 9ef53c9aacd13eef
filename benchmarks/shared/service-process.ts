import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { nodeOptionsOf, type ServiceName } from '@sluice/local'
import { PROJECT_DIR } from './nats.ts'

/** Runs a service as its own process, as the stack does; resolves when it is ready. It ends by itself when the benchmark does. */
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

/** Runs a program that says `ready` as its own process; resolves when it does. */
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

/** The process's id. @throws Error when it could not be started */
export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the process was not started')
  return child.pid
}
