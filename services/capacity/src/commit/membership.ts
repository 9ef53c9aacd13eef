/** This instance's place among the live ones: its heartbeat, the clock they share, and the losses they suspect. */
import { isDeepStrictEqual } from 'node:util'
import { type CapacityMember, type ClockMark, MEMBER_HEARTBEAT_MS } from '@sluice/contracts'
import { type Bucket, NoRespondersError, NotConfirmedError } from '@sluice/messaging'
import { joinSpans, type LostSpan } from '../record/lost-charges.ts'
import { isStreamGone, makeReadable } from './buckets.ts'
import { type Clock, type CountersClock, createCountersClock } from './clock.ts'
import { createMarkWriter, makeMarksReadable, readMarks, readServerTime } from './clock-marks.ts'
import {
  type FoundBuckets,
  markedLoss,
  startOfClock,
  suspectedLoss,
  vanishedBefore,
  vanishedUntil,
} from './clock-start.ts'
import { STARTING_CLOCK_MS, watchPeers } from './peers.ts'

export interface Membership {
  readonly clock: Clock
  /** Returns the span in which charges may be missing from the store; undefined when none is suspected. */
  suspectedLoss(): LostSpan | undefined
  /**
   * Suspects that any record may be missing with everything it counted until now, or until its bucket was made again
   * at `madeAtMs` by the NATS server's clock. Resolves when that is marked in the store.
   */
  suspectVanished(madeAtMs?: number): Promise<void>
  /** Suspects the losses that other instances have marked. */
  adoptLosses(): Promise<void>
  /** Makes sure that heartbeats and marks can be read: the store may have come back broken. */
  recheck(): Promise<void>
  /** Leaves at once, rather than when the last heartbeat expires. */
  leave(): Promise<void>
}

export interface MembershipOptions {
  readonly members: Bucket<CapacityMember>
  readonly marks: Bucket<ClockMark>
  readonly found: FoundBuckets
  readonly instance: string
  /** The id of this machine's boot; undefined when the system has none, and then a power cut is not recognized. */
  readonly bootId: string | undefined
  /** For how long the server may keep a write before it is safe from a power cut; 0: every write is safe. */
  readonly syncIntervalMs: number
  /** A power cut can take whole records from this server, not only their last versions. */
  readonly losesWholeRecords: boolean
  /** Returns milliseconds since this machine's boot, whatever happens to its wall clock. */
  readonly monotonicMs: () => number
  readonly onFault: (error: unknown) => void
  /** Called with the span in which charges may be missing, each time it grows. */
  readonly onSuspected: (span: LostSpan) => void
  /** Called when a bucket was cleared because NATS did not return what it had stored there. */
  readonly onCleared: (bucket: 'heartbeats' | 'clock marks') => void
  /** Called when no stream takes a heartbeat or a mark: its bucket is gone, or was made again elsewhere. */
  readonly onBucketGone: () => void
  /** Called when the NATS server's clock stepped by `stepMs`, which the counters' clock does not follow. */
  readonly onStep: (stepMs: number) => void
}

/**
 * Joins the live instances and sends a heartbeat once a second. Each heartbeat says this instance's time, which the
 * others follow if it is ahead, and marks in the store how far the clock has come. Resolves after the first heartbeat.
 */
export async function joinMembers(options: MembershipOptions): Promise<Membership> {
  const { members, marks, instance, monotonicMs, syncIntervalMs, onFault, onSuspected, onCleared } = options
  const markKey = options.bootId ?? instance
  const startedAtMs = Date.now()
  let clock: CountersClock | undefined
  const heartbeat = (clockMs: number): CapacityMember => ({ instance, startedAtMs, clockMs })
  const recheckMembers = async (clockMs: number): Promise<boolean> => {
    const isCleared = await makeReadable(members, instance, heartbeat(clockMs))
    if (isCleared) onCleared('heartbeats')
    return isCleared
  }
  const recheckMarks = async (): Promise<boolean> => {
    const isCleared = await makeMarksReadable(marks)
    if (isCleared) onCleared('clock marks')
    return isCleared
  }
  const areOthersUnknown = await recheckMembers(STARTING_CLOCK_MS)
  const onClock = (clockMs: number) => clock?.heard(clockMs)
  const peers = await watchPeers({ members, instance, areOthersUnknown, onFault, onClock })
  try {
    const known = await readMarks(marks, onFault)
    const marksBucket = { ...(await marks.state()), wasCleared: await recheckMarks() }
    // If the marks are of other boots, only an instance that is alive now knows the time for certain.
    if (!known.has(markKey)) await peers.nextBeat()
    const serverMs = await readServerTime(marks, monotonicMs)
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

    const writeMark = createMarkWriter({
      marks,
      key: markKey,
      current: (stopped) => ({
        clockMs: running.nowMs(),
        monotonicMs: monotonicMs(),
        stopped,
        ...(lost === undefined ? {} : { lost }),
      }),
      onRead: (stored) => suspect(markedLoss(new Map([[markKey, stored]]), running.nowMs())),
      onRollback: () => {
        const { vanished, ...span } = vanishedUntil(running.nowMs(), syncIntervalMs)
        suspect(options.losesWholeRecords ? { ...span, vanished } : span)
      },
    })
    const beat = async (): Promise<void> => {
      // The mark comes first: an instance that hears this one alive relies on its suspicions being marked.
      const { sentAtMs, revision } = await writeMark(false)
      const ackedAtMs = monotonicMs()
      await members.put(instance, heartbeat(running.nowMs()))
      const stored = await marks.get(markKey)
      // Another instance of this machine may have written meanwhile.
      if (stored.revision !== revision) return
      const stepMs = running.measured({ sentAtMs, ackedAtMs, storedAtMs: stored.storedAtMs })
      if (stepMs !== 0) options.onStep(stepMs)
    }

    await beat()
    let hasLeft = false
    let beating: Promise<void> | undefined
    const timer = setInterval(() => {
      beating ??= beat()
        .catch(async (error: unknown) => {
          if (hasLeft) return
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
        if (madeAtMs === undefined) {
          suspect(vanishedUntil(running.nowMs(), syncIntervalMs))
        } else {
          const serverNowMs = await readServerTime(marks, monotonicMs)
          suspect(vanishedBefore(madeAtMs, { nowMs: running.nowMs(), serverMs: serverNowMs, syncIntervalMs }))
        }
        await writeMark(false)
      },
      adoptLosses: async () => {
        suspect(markedLoss(await readMarks(marks, onFault), running.nowMs()))
      },
      recheck: async () => {
        await Promise.all([recheckMembers(running.nowMs()), recheckMarks()])
        await writeMark(false)
      },
      leave: async () => {
        hasLeft = true
        clearInterval(timer)
        peers.stop()
        await beating
        await Promise.all([writeMark(true), members.delete(instance)])
      },
    }
  } catch (error) {
    peers.stop()
    throw error
  }
}

/** Returns true when a heartbeat failed with `error` because a bucket is gone. */
async function isBucketGone(error: unknown, members: Pick<Bucket<CapacityMember>, 'state'>): Promise<boolean> {
  if (error instanceof NoRespondersError) return true
  if (!(error instanceof NotConfirmedError)) return false
  // The instances listen to the heartbeats, so that there are responders even when there is no stream.
  return members.state().then(() => false, isStreamGone)
}
