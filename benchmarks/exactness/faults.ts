import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from '@sluice/local'

/** What is killed (`kill -9`) when, in fractions of the whole duration. The stack starts each again. */
const SCHEDULE: readonly { readonly at: number; readonly process: string }[] = [
  { at: 0.08, process: 'capacity-1' },
  { at: 0.18, process: 'gateway-2' },
  { at: 0.28, process: 'nats' },
  { at: 0.4, process: 'capacity-2' },
  { at: 0.5, process: 'gateway-4' },
  { at: 0.58, process: 'capacity-1' },
  { at: 0.66, process: 'capacity-2' },
  { at: 0.75, process: 'nats' },
  { at: 0.85, process: 'gateway-1' },
  { at: 0.92, process: 'capacity-1' },
]

/** Kills processes by the schedule, and says so. Resolves after `durationMs`. */
export async function causeFaults(stack: Stack, durationMs: number, print: (line: string) => void): Promise<void> {
  const startedAtMs = performance.now()
  const elapsedMs = () => performance.now() - startedAtMs
  for (const fault of SCHEDULE) {
    await sleep(Math.max(0, fault.at * durationMs - elapsedMs()))
    const pid = stack.processes().find(({ name }) => name === fault.process)?.pid
    if (pid === undefined) throw new Error(`${fault.process} is not running`)
    process.kill(pid, 'SIGKILL')
    print(`kill -9 ${fault.process}`)
  }
  await sleep(Math.max(0, durationMs - elapsedMs()))
}
