import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { responses } from '@sluice/contracts'
import type { Bus } from '@sluice/messaging'
import { cpuTimeMs, pidOf, startServiceProcess, stopProcess } from '../shared/processes.ts'

export type ConsumerName = 'usage' | 'discovery'

/** A consumer service in its own process that can be killed and restarted. */
export interface Consumer {
  /** Kills it (`kill -9`) and starts it again; resolves when it is ready. */
  crash(): Promise<void>
  /** CPU time of all its processes so far, in milliseconds. */
  cpuMs(): number
  stop(): Promise<void>
}

export async function startConsumer(name: ConsumerName, settings: Readonly<Record<string, string>>): Promise<Consumer> {
  let child: ChildProcess = await startServiceProcess(name, settings)
  let earlierCpuMs = 0
  return {
    crash: async () => {
      earlierCpuMs += cpuTimeMs(pidOf(child))
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      child = await startServiceProcess(name, settings)
    },
    cpuMs: () => earlierCpuMs + cpuTimeMs(pidOf(child)),
    stop: () => stopProcess(child),
  }
}

/** Returns how many messages the consumer has not acknowledged yet. */
export async function unacknowledged(bus: Bus, name: ConsumerName): Promise<number> {
  const info = await bus.jetstreamManager.consumers.info(responses.name, name)
  return info.num_pending + info.num_ack_pending
}

/** Resolves when at most `messages` are unacknowledged. @throws Error after two minutes without progress */
export async function untilUnacknowledged(bus: Bus, name: ConsumerName, messages: number): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  for (let movedAtMs = performance.now(); performance.now() < movedAtMs + STUCK_MS; await sleep(POLL_MS)) {
    const now = await unacknowledged(bus, name)
    if (now <= messages) return
    if (now < least) movedAtMs = performance.now()
    least = Math.min(least, now)
  }
  throw new Error(`${name} is stuck with ${least} unacknowledged messages`)
}

const POLL_MS = 50
const STUCK_MS = 120_000
