import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import {
  type CapacityMember,
  type ClockMark,
  MEMBER_EXPIRY_MS,
  MEMBER_HEARTBEAT_MS,
  SluiceError,
} from '@sluice/contracts'
import {
  type Bucket,
  type BucketEntry,
  NoRespondersError,
  NotConfirmedError,
  UnreadableEntryError,
} from '@sluice/messaging'
import { joinSpans, type LostSpan } from '../record/lost-charges.ts'
import { isStreamGone, makeReadable } from './buckets.ts'
import { type Clock, type CountersClock, createCountersClock, stepBetween, type TimeSample } from './clock.ts'
import {
  type FoundBuckets,
  markedLoss,
  type StoredMark,
  startOfClock,
  suspectedLoss,
  vanishedBefore,
  vanishedUntil,
} from './clock-start.ts'

/** This instance's place among the live ones, and the time they share. */
export interface Membership {
  readonly clock: Clock
  /** Returns the span of which charges may be missing from the store, as its machine lost power; undefined where none is suspected. */
  suspectedLoss(): LostSpan | undefined
  /**
   * Suspects that any record may be missing with all that it counted until now, or until its bucket was made again, at `madeAtMs` by the
   * NATS server's clock; resolves when that is marked in the store.
   */
  suspectVanished(madeAtMs?: number): Promise<void>
  /** Suspects what other instances have marked. */
  adoptLosses(): Promise<void>
  /** Makes sure that heartbeats and marks can be read: the store may have come back broken. */
  recheck(): Promise<void>
  /** Leaves at once, instead of when the last heartbeat expires. */
  leave(): Promise<void>
}

export interface MembershipOptions {
  readonly members: Bucket<CapacityMember>
  readonly marks: Bucket<ClockMark>
  /** The buckets as they were found, before this instance wrote anything there. */
  readonly found: FoundBuckets
  readonly instance: string
  /** The id of this machine's boot; absent where the system has none: a power cut is then not recognized. */
  readonly bootId: string | undefined
  /** For how long the server keeps a write before it is safe from a power cut; 0: not at all. */
  readonly syncIntervalMs: number
  /** Whether a power cut can take whole records from this server, and not only their last states. */
  readonly losesWholeRecords: boolean
  /** Milliseconds since this machine's boot, whatever happens to its wall clock. */
  readonly monotonicMs: () => number
  readonly onFault: (error: unknown) => void
  /** Called with the span of which charges may be missing, when it becomes known. */
  readonly onSuspected: (span: LostSpan) => void
  /** Called when a bucket was cleared, as NATS did not give back what it stored there. */
  readonly onCleared: (bucket: 'heartbeats' | 'clock marks') => void
  /** Called when no stream takes a heartbeat or a mark: its bucket is gone, or was made again elsewhere. */
  readonly onBucketGone: () => void
  /** Called when the NATS server's clock stepped by `stepMs`, which the counters' clock does not follow. */
  readonly onStep: (stepMs: number) => void
}

/**
 * Joins the live instances and beats once a second. Each beat says what time it is by this instance, which the others follow if it is
 * ahead, and marks in the store how far the clock has come. Resolves after the first beat.
 */
export async function joinMembers(options: MembershipOptions): Promise<Membership> {
  const { members, marks, instance, monotonicMs, syncIntervalMs, onFault, onSuspected, onCleared, onStep } = options
  const markKey = options.bootId ?? instance
  const startedAtMs = Date.now()
  let clock: CountersClock | undefined
  const announce = (clockMs: number) => members.put(instance, { instance, startedAtMs, clockMs })
  const makeMembersReadable = async (clockMs: number): Promise<boolean> => {
    const isCleared = await makeReadable(members, instance, { instance, startedAtMs, clockMs })
    if (isCleared) onCleared('heartbeats')
    return isCleared
  }
  const makeMarksReadable = async (): Promise<boolean> => {
    const isCleared = await makeReadable(marks, PROBE_KEY, PROBE_MARK)
    if (isCleared) onCleared('clock marks')
    return isCleared
  }
  // Others that are alive are heard when they beat again.
  const areOthersUnknown = await makeMembersReadable(STARTING_CLOCK_MS)
  const peers = await watchPeers(members, instance, areOthersUnknown, onFault, (clockMs) => clock?.heard(clockMs))
  try {
    const known = await storedMarks(marks, onFault)
    const marksBucket = { ...(await marks.state()), wasCleared: await makeMarksReadable() }
    // Of another boot, only an instance that is alive now knows the time for certain.
    if (!known.has(markKey)) await peers.nextBeat()
    const storedNowMs = async (): Promise<number | undefined> => {
      await marks.put(PROBE_KEY, PROBE_MARK)
      const { revision, storedAtMs } = await marks.get(PROBE_KEY)
      return revision === 0 ? undefined : storedAtMs
    }
    const serverMs = await evenServerTime(monotonicMs, storedNowMs)
    const findings = {
      bootId: options.bootId,
      monotonicMs: monotonicMs(),
      serverMs,
      marks: known,
      marksBucket,
      buckets: options.found,
      losesWholeRecords: options.losesWholeRecords,
      liveClocksMs: peers.clocksMs(),
      syncIntervalMs,
    }
    const startMs = startOfClock(findings)
    let lost: LostSpan | undefined
    const suspect = (span: LostSpan | undefined): void => {
      const before = lost
      lost = joinSpans(lost, span)
      if (lost !== undefined && !isDeepStrictEqual(lost, before)) onSuspected(lost)
    }
    suspect(suspectedLoss(findings, startMs))
    const running = createCountersClock(monotonicMs, startMs)
    clock = running
    let left = false

    const mark = (stopped: boolean): ClockMark => {
      return { clockMs: running.nowMs(), monotonicMs: monotonicMs(), stopped, ...(lost === undefined ? {} : { lost }) }
    }
    let newestRevision = 0
    /**
     * Writes the mark, which this machine's instances share: with every loss that any of them has marked. Revisions that do not rise
     * tell that the store has come back as it was earlier.
     */
    const putMark = async (stopped: boolean): Promise<{ sentAtMs: number; revision: number }> => {
      for (let attempt = 1; attempt <= MAX_MARK_ATTEMPTS; attempt++) {
        const before = await marks.get(markKey)
        if (before.value !== undefined) {
          suspect(markedLoss(new Map([[markKey, { mark: before.value, ...before }]]), running.nowMs()))
        }
        const sentAtMs = monotonicMs()
        const written = await marks.update(markKey, mark(stopped), before.revision)
        if (written.status === 'conflict') continue
        const { revision } = written
        const isRolledBack = revision <= newestRevision
        newestRevision = revision
        if (!isRolledBack) return { sentAtMs, revision }
        suspect(rolledBack())
      }
      throw new SluiceError('unavailable', 'the mark of the clock cannot be written')
    }
    const rolledBack = (): LostSpan => {
      const { vanished, ...span } = vanishedUntil(running.nowMs(), syncIntervalMs)
      return options.losesWholeRecords ? { ...span, vanished } : span
    }
    const beat = async (): Promise<void> => {
      // Whoever hears that this instance is alive suspects nothing by itself: what this one suspects is marked before.
      const { sentAtMs, revision } = await putMark(false)
      const ackedAtMs = monotonicMs()
      await announce(running.nowMs())
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
        .catch(async (error: unknown) => {
          if (left) return
          onFault(error)
          if (await isBucketGone(error, members)) options.onBucketGone()
        })
        .finally(() => {
          beating = undefined
        })
    }, MEMBER_HEARTBEAT_MS)

    return {
      clock: running,
      suspectedLoss: () => lost,
      suspectVanished: async (madeAtMs) => {
        const serverNowMs = madeAtMs === undefined ? 0 : await evenServerTime(monotonicMs, storedNowMs)
        const nowMs = running.nowMs()
        suspect(
          madeAtMs === undefined
            ? vanishedUntil(nowMs, syncIntervalMs)
            : vanishedBefore(madeAtMs, { nowMs, serverMs: serverNowMs, syncIntervalMs }),
        )
        await putMark(false)
      },
      adoptLosses: async () => {
        suspect(markedLoss(await storedMarks(marks, onFault), running.nowMs()))
      },
      recheck: async () => {
        await Promise.all([makeMembersReadable(running.nowMs()), makeMarksReadable()])
        await putMark(false)
      },
      leave: async () => {
        left = true
        clearInterval(timer)
        peers.stop()
        await beating
        await Promise.all([putMark(true), members.delete(instance)])
      },
    }
  } catch (error) {
    peers.stop()
    throw error
  }
}

/** Whether a beat failed with `error` because a bucket is gone. */
async function isBucketGone(error: unknown, members: Pick<Bucket<CapacityMember>, 'state'>): Promise<boolean> {
  if (error instanceof NoRespondersError) return true
  if (!(error instanceof NotConfirmedError)) return false
  // The instances listen to the heartbeats, so that there are responders where no stream is.
  return members.state().then(() => false, isStreamGone)
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
  mayBeThere: boolean,
  onFault: (error: unknown) => void,
  onClock: (clockMs: number) => void,
): Promise<Peers> {
  const clocksMs: number[] = []
  const beaten = Promise.withResolvers<void>()
  let wereThere = mayBeThere
  const isPeer = (key: string, value: CapacityMember | undefined): value is CapacityMember =>
    value !== undefined && key !== instance && value.clockMs !== STARTING_CLOCK_MS
  const listening = await members.listen({
    onFault,
    onEntry: ({ key, value }) => {
      if (!isPeer(key, value)) return
      onClock(value.clockMs)
      if (clocksMs.length < MAX_PEERS_HEARD) clocksMs.push(value.clockMs)
      beaten.resolve()
    },
  })
  for (const [key, { value }] of await readEntries(members, onFault)) if (isPeer(key, value)) wereThere = true
  return {
    clocksMs: () => clocksMs,
    nextBeat: async () => {
      if (wereThere) await Promise.race([beaten.promise, sleep(MEMBER_EXPIRY_MS)])
    },
    stop: listening.stop,
  }
}

async function storedMarks(
  marks: Bucket<ClockMark>,
  onFault: (error: unknown) => void,
): Promise<Map<string, StoredMark>> {
  const stored = new Map<string, StoredMark>()
  for (const [key, { value, storedAtMs }] of await readEntries(marks, onFault)) {
    if (value !== undefined && key !== PROBE_KEY) stored.set(key, { mark: value, storedAtMs })
  }
  return stored
}

/** Reads the few entries of a bucket, and passes over what is not of its shape. */
async function readEntries<Value>(
  bucket: Pick<Bucket<Value>, 'keys' | 'get'>,
  onFault: (error: unknown) => void,
): Promise<Map<string, BucketEntry<Value>>> {
  const entries = new Map<string, BucketEntry<Value>>()
  for (const key of await bucket.keys()) {
    try {
      entries.set(key, await bucket.get(key))
    } catch (error) {
      if (!(error instanceof UnreadableEntryError)) throw error
      onFault(error)
    }
  }
  return entries
}

/**
 * The NATS server's clock, read again where it steps between two readings.
 * @param storedNowMs stores something and returns its stamp; undefined where it was gone before it could be read
 */
async function evenServerTime(
  monotonicMs: () => number,
  storedNowMs: () => Promise<number | undefined>,
): Promise<number> {
  let before: TimeSample | undefined
  for (let attempt = 1; attempt <= MAX_READINGS; attempt++) {
    const sentAtMs = monotonicMs()
    const storedAtMs = await storedNowMs()
    if (storedAtMs === undefined) continue
    const sample = { sentAtMs, ackedAtMs: monotonicMs(), storedAtMs }
    if (before !== undefined && stepBetween(before, sample) === 0) return storedAtMs
    before = sample
  }
  if (before === undefined)
    throw new SluiceError('unavailable', 'NATS gives back no heartbeat, so that its time is unknown')
  return before.storedAtMs
}

/** Shared by all instances. The key of a mark is a boot's id or an instance's. */
const PROBE_KEY = 'probe'
const PROBE_MARK: ClockMark = { clockMs: 0, monotonicMs: 0, stopped: true }
/** What an instance announces while it does not know the time yet. */
const STARTING_CLOCK_MS = 0
/** Only whether there is any, and the highest, matters at the start. */
const MAX_PEERS_HEARD = 100
const MAX_READINGS = 5
/** As many instances of one machine may write their mark at the same moment. */
const MAX_MARK_ATTEMPTS = 50
