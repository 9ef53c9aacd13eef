import { capacityMembers } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import type { Logger } from '@sluice/service-kit'
import type { Permits } from '../../ports/permits.ts'
import { permitBatchSender } from './exchange-sender.ts'
import { createPermitSessionClient } from './lane-permits.ts'
import { latePermits } from './late-permits.ts'
import { watchMembers } from './live-members.ts'
import { waitingPermits } from './waiting-permits.ts'

export interface RunningPermits extends Permits {
  /** Hands in what is settled, for `deadlineMs` at most, and lets go of everything. */
  stop(deadlineMs: number): Promise<void>
}

/** Permits from the capacity service. Resolves when its live instances are known. */
export async function createPermits(
  bus: Bus,
  options: {
    /** This process's identity, unique to its life. */
    readonly gateway: string
    /** So many requests of one connection may wait at a time. */
    readonly maxWaiting: number
    readonly onFault: (error: unknown) => void
    readonly logger: Pick<Logger, 'warn'>
  },
): Promise<RunningPermits> {
  const { gateway, maxWaiting, onFault, logger } = options
  const monotonicMs = () => performance.now()
  const members = await watchMembers(await openBucket(bus, capacityMembers), monotonicMs, onFault)
  const send = permitBatchSender(bus, members, monotonicMs, onFault)
  const late = latePermits(logger, monotonicMs)
  const sessions = createPermitSessionClient({
    gateway,
    send,
    countersClockMs: members.countersClockMs,
    onTooOld: late.tooOld,
    onStale: late.stale,
  })
  const { acquire, unreserved, releaseIdle } = waitingPermits(sessions, maxWaiting)
  const releasing = setInterval(() => {
    releaseIdle()
    sessions.releaseIdle()
  }, IDLE_MS)
  return {
    acquire,
    unreserved,
    expired: late.expired,
    stop: async (deadlineMs) => {
      clearInterval(releasing)
      await sessions.flush(deadlineMs)
      members.stop()
    },
  }
}

/** A lane that nothing used in one such span is let go of in the next. */
const IDLE_MS = 60_000
