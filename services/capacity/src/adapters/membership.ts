import { type CapacityMember, MEMBER_HEARTBEAT_MS } from '@sluice/contracts'
import type { Bucket } from '@sluice/messaging'
import type { Clock } from '../ports/clock.ts'
import { serverClock } from './server-clock.ts'

/** This instance's place among the live ones, and the time they share. */
export interface Membership {
  readonly clock: Clock
  /** Leaves at once, instead of when the last heartbeat expires. */
  leave(): Promise<void>
}

/**
 * Joins the live instances and beats once a second. Each beat also measures the server's clock: the beat is stored with the
 * server's time. Resolves after the first one, when both are known.
 *
 * @param monotonicMs milliseconds that only ever go on, whatever happens to the wall clock
 */
export async function joinMembers(
  bucket: Bucket<CapacityMember>,
  member: CapacityMember,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): Promise<Membership> {
  const clock = serverClock(monotonicMs)
  let left = false

  const beat = async (): Promise<void> => {
    const sentAtMs = monotonicMs()
    const revision = await bucket.put(member.instance, member)
    const ackedAtMs = monotonicMs()
    const entry = await bucket.get(member.instance)
    if (entry.revision === revision) clock.measured({ sentAtMs, ackedAtMs, storedAtMs: entry.storedAtMs })
  }

  await beat()
  let beating: Promise<void> | undefined
  const timer = setInterval(() => {
    beating ??= beat()
      .catch((error: unknown) => {
        if (!left) onFault(error)
      })
      .finally(() => {
        beating = undefined
      })
  }, MEMBER_HEARTBEAT_MS)

  return {
    clock,
    leave: async () => {
      left = true
      clearInterval(timer)
      await beating
      await bucket.delete(member.instance)
    },
  }
}
