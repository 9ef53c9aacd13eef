/** The other live instances, as their heartbeats show them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type CapacityMember, MEMBER_EXPIRY_MS } from '@sluice/contracts'
import type { Bucket } from '@sluice/messaging'
import { readEntries } from './clock-marks.ts'

export interface Peers {
  /** Returns the clocks in heartbeats that arrived since this started to listen. */
  clocksMs(): number[]
  /**
   * Resolves with the next heartbeat, or when none came until its sender would be gone; at once when there were no
   * other instances.
   */
  nextBeat(): Promise<void>
  stop(): void
}

export interface PeersOptions {
  readonly members: Pick<Bucket<CapacityMember>, 'listen' | 'keys' | 'get'>
  /** This instance, which is not its own peer. */
  readonly instance: string
  /** The heartbeats were lost: other instances may be alive although none shows. */
  readonly areOthersUnknown: boolean
  readonly onFault: (error: unknown) => void
  readonly onClock: (clockMs: number) => void
}

export async function watchPeers({
  members,
  instance,
  areOthersUnknown,
  onFault,
  onClock,
}: PeersOptions): Promise<Peers> {
  const clocksMs: number[] = []
  const firstBeat = Promise.withResolvers<void>()
  let mayBeThere = areOthersUnknown
  const isPeer = (key: string, value: CapacityMember | undefined): value is CapacityMember =>
    value !== undefined && key !== instance && value.clockMs !== STARTING_CLOCK_MS
  const listening = await members.listen({
    onFault,
    onEntry: ({ key, value }) => {
      if (!isPeer(key, value)) return
      onClock(value.clockMs)
      if (clocksMs.length < MAX_CLOCKS) clocksMs.push(value.clockMs)
      firstBeat.resolve()
    },
  })
  for (const [key, { value }] of await readEntries(members, onFault)) if (isPeer(key, value)) mayBeThere = true
  return {
    clocksMs: () => clocksMs,
    nextBeat: async () => {
      if (mayBeThere) await Promise.race([firstBeat.promise, sleep(MEMBER_EXPIRY_MS)])
    },
    stop: listening.stop,
  }
}

/** The clock in the heartbeats of an instance that does not know the time yet. */
export const STARTING_CLOCK_MS = 0
/** At the start it only matters whether there is any, and the latest. */
const MAX_CLOCKS = 100
