import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PROJECT_DIR } from './nats.ts'

/** Runs a service as its own process; resolves when it is ready. It ends by itself when the benchmark does. */
export async function startServiceProcess(
  service: string,
  environment: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const child = fork(join(PROJECT_DIR, 'services', service, 'src/main.ts'), {
    env: { PATH: process.env.PATH, LOG_LEVEL: 'error', ...environment },
  })
  const [event] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (event !== 'ready') throw new Error(`${service} did not start`)
  return child
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}
