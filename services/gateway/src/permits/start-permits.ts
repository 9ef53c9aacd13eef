import { capacityMembers } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import { latePermitCounter } from './late-permit-counter.ts'
import { watchMembers } from './live-members.ts'
import type { Permits } from './permit.ts'
import { permitBatchSender } from './permit-batch-sender.ts'
import { createPermitSessionClient } from './permit-session-client.ts'
import { waitingPermits } from './waiting/waiting-permits.ts'

export interface RunningPermits extends Permits {
  /** Sends the remaining settlements, for `deadlineMs` at most, and releases everything. */
  stop(deadlineMs: number): Promise<void>
}

/** Connects the parts through which this process acquires permits. Resolves when the live capacity instances are known. */
export async function startPermits(
  bus: Bus,
  options: {
    /** This process's identity, unique to its life. */
    readonly gateway: string
    /** How many requests of a connection may wait at a time. */
    readonly maxWaiting: number
    readonly onFault: (error: unknown) => void
    readonly logger: Pick<Logger, 'warn'>
  },
): Promise<RunningPermits> {
  const { gateway, maxWaiting, onFault, logger } = options
  const monotonicMs = () => performance.now()
  const members = await watchMembers(await openBucket(bus, capacityMembers), monotonicMs, onFault)
  const send = permitBatchSender(bus, members, monotonicMs, onFault)
  const late = latePermitCounter(logger, monotonicMs)
  const sessions = createPermitSessionClient({
    gateway,
    send,
    capacityClockMs: members.capacityClockMs,
    onLatePermits: late.countLate,
    onStaleBatch: late.countStaleBatch,
  })
  const { acquire, failOpen, releaseIdle } = waitingPermits(sessions, maxWaiting)
  const releasing = setInterval(() => {
    releaseIdle()
    sessions.releaseIdle()
  }, IDLE_MS)
  return {
    acquire,
    failOpen,
    countExpired: late.countExpired,
    stop: async (deadlineMs) => {
      clearInterval(releasing)
      await sessions.flush(deadlineMs)
      members.stop()
    },
  }
}

/** A permit session that was idle for this long is released after as long again. */
const IDLE_MS = 60_000
