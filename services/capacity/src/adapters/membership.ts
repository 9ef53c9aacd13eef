import { setTimeout as sleep } from 'node:timers/promises'
import { type CapacityMember, type ClockMark, MEMBER_EXPIRY_MS, MEMBER_HEARTBEAT_MS } from '@sluice/contracts'
import type { Bucket, Watch } from '@sluice/messaging'
import type { LostSpan } from '../domain/loss.ts'
import type { Clock } from '../ports/clock.ts'
import { type StoredMark, startOfClock, suspectedLoss } from './clock-start.ts'
import { type CountersClock, countersClock, stepBetween, type TimeSample } from './counters-clock.ts'

/** This instance's place among the live ones, and the time they share. */
export interface Membership {
  readonly clock: Clock
  /** A span of which charges may be missing from the store, as its machine lost power; absent where that is not suspected. */
  readonly suspectedLoss: LostSpan | undefined
  /** Leaves at once, instead of when the last heartbeat expires. */
  leave(): Promise<void>
}

export interface MembershipOptions {
  readonly members: Bucket<CapacityMember>
  readonly marks: Bucket<ClockMark>
  readonly instance: string
  /** The id of this machine's boot; absent where the system has none: a power cut is then not recognized. */
  readonly bootId: string | undefined
  /** For how long the server keeps a write before it is safe from a power cut; 0: not at all. */
  readonly syncIntervalMs: number
  /** Milliseconds since this machine's boot, whatever happens to its wall clock. */
  readonly monotonicMs: () => number
  readonly onFault: (error: unknown) => void
  /** Called when the NATS server's clock stepped by `stepMs`, which the counters' clock does not follow. */
  readonly onStep: (stepMs: number) => void
}

/**
 * Joins the live instances and beats once a second. Each beat says what time it is by this instance, which the others follow if it is
 * ahead, and marks in the store how far the clock has come. Resolves after the first beat.
 */
export async function joinMembers(options: MembershipOptions): Promise<Membership> {
  const { members, marks, instance, monotonicMs, onFault, onStep } = options
  const markKey = options.bootId ?? instance
  const startedAtMs = Date.now()
  let clock: CountersClock | undefined
  const peers = await watchPeers(members, instance, onFault, (clockMs) => clock?.heard(clockMs))
  try {
    const known = await storedMarks(marks, onFault)
    // Of another boot, only an instance that is alive now knows the time for certain.
    if (!known.has(markKey)) await peers.nextBeat()
    const announce = (clockMs: number) => members.put(instance, { instance, startedAtMs, clockMs })
    const serverMs = await evenServerTime(monotonicMs, async () => {
      await announce(STARTING_CLOCK_MS)
      return (await members.get(instance)).storedAtMs
    })
    const findings = {
      bootId: options.bootId,
      monotonicMs: monotonicMs(),
      serverMs,
      marks: known,
      liveClocksMs: peers.clocksMs(),
      syncIntervalMs: options.syncIntervalMs,
    }
    const startMs = startOfClock(findings)
    const lost = suspectedLoss(findings, startMs)
    const running = countersClock(monotonicMs, startMs)
    clock = running
    let left = false

    const mark = (stopped: boolean): ClockMark => {
      return { clockMs: running.nowMs(), monotonicMs: monotonicMs(), stopped, ...(lost === undefined ? {} : { lost }) }
    }
    const beat = async (): Promise<void> => {
      await announce(running.nowMs())
      const sentAtMs = monotonicMs()
      const revision = await marks.put(markKey, mark(false))
      const ackedAtMs = monotonicMs()
      const stored = await marks.get(markKey)
      // Another instance of this machine may have written meanwhile.
      if (stored.revision !== revision) return
      const stepMs = running.measured({ sentAtMs, ackedAtMs, storedAtMs: stored.storedAtMs })
      if (stepMs !== 0) onStep(stepMs)
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
      clock: running,
      suspectedLoss: lost,
      leave: async () => {
        left = true
        clearInterval(timer)
        peers.stop()
        await beating
        await Promise.all([marks.put(markKey, mark(true)), members.delete(instance)])
      },
    }
  } catch (error) {
    peers.stop()
    throw error
  }
}

interface Peers {
  /** The clocks of other instances that have beaten since this began to listen. */
  clocksMs(): number[]
  /** Resolves when another instance that was alive of late beats again, or is not alive after all; at once where there was none. */
  nextBeat(): Promise<void>
  stop(): void
}

async function watchPeers(
  members: Bucket<CapacityMember>,
  instance: string,
  onFault: (error: unknown) => void,
  onClock: (clockMs: number) => void,
): Promise<Peers> {
  const clocksMs: number[] = []
  const beaten = Promise.withResolvers<void>()
  let isListening = false
  let wereThere = false
  const watch: Watch = await members.watch({
    onFault,
    onEntry: ({ key, value }) => {
      if (value === undefined || key === instance || value.clockMs === STARTING_CLOCK_MS) return
      onClock(value.clockMs)
      if (!isListening) {
        wereThere = true
        return
      }
      if (clocksMs.length < MAX_PEERS_HEARD) clocksMs.push(value.clockMs)
      beaten.resolve()
    },
  })
  isListening = true
  return {
    clocksMs: () => clocksMs,
    nextBeat: async () => {
      if (wereThere) await Promise.race([beaten.promise, sleep(MEMBER_EXPIRY_MS)])
    },
    stop: watch.stop,
  }
}

async function storedMarks(
  marks: Bucket<ClockMark>,
  onFault: (error: unknown) => void,
): Promise<Map<string, StoredMark>> {
  const stored = new Map<string, StoredMark>()
  const watch = await marks.watch({
    onFault,
    onEntry: ({ key, value, storedAtMs }) => {
      if (value !== undefined) stored.set(key, { mark: value, storedAtMs })
    },
  })
  watch.stop()
  return stored
}

/** The NATS server's clock, read again where it steps between two readings. */
async function evenServerTime(monotonicMs: () => number, storedNowMs: () => Promise<number>): Promise<number> {
  let before: TimeSample | undefined
  for (let attempt = 1; ; attempt++) {
    const sentAtMs = monotonicMs()
    const storedAtMs = await storedNowMs()
    const sample = { sentAtMs, ackedAtMs: monotonicMs(), storedAtMs }
    if ((before !== undefined && stepBetween(before, sample) === 0) || attempt === MAX_READINGS) return storedAtMs
    before = sample
  }
}

/** What an instance announces while it does not know the time yet. */
const STARTING_CLOCK_MS = 0
/** Only whether there is any, and the highest, matters at the start. */
const MAX_PEERS_HEARD = 100
const MAX_READINGS = 5
