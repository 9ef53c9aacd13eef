/**
 * The conclusions of an instance from what it finds at its start: where the counters' clock starts, and which charges
 * may be lost.
 */
import { CLOCK_MARK_EXPIRY_MS, type ClockMark } from '@sluice/contracts'
import { joinSpans, type LostSpan } from '../record/lost-charges.ts'
import { isOver } from '../record/record.ts'

export interface StartFindings {
  /** The id of this machine's boot; absent when the system has none. */
  readonly bootId: string | undefined
  /** This machine's monotonic clock, milliseconds since its boot. */
  readonly monotonicMs: number
  /** The NATS server's clock, Unix milliseconds. */
  readonly serverMs: number
  /** Every mark in the store, by boot id. */
  readonly marks: ReadonlyMap<string, StoredMark>
  readonly marksBucket: MarksBucket
  readonly buckets: FoundBuckets
  /** A power cut can take whole records from this server, not only their last versions. */
  readonly losesWholeRecords: boolean
  /** The clocks of live instances, at most a heartbeat old. */
  readonly liveClocksMs: readonly number[]
  /** For how long the server may keep a write before it is safe from a power cut; 0: every write is safe. */
  readonly syncIntervalMs: number
}

export interface StoredMark {
  readonly mark: ClockMark
  /** The NATS server's stamp, Unix milliseconds. */
  readonly storedAtMs: number
}

interface MarksBucket {
  readonly createdAtMs: number
  /** When a mark was last stored, whether or not it still exists; absent when the server knows of none. */
  readonly lastStoredAtMs?: number
  /** The bucket did not return what it stored and was cleared. */
  readonly wasCleared: boolean
}

/**
 * The buckets as they were before this instance wrote anything there. Reveals counters that were lost with their
 * bucket. Instants are Unix milliseconds by the NATS server's clock.
 */
export interface FoundBuckets {
  readonly recordsMadeAtMs: number
  readonly marksMadeAtMs: number
  /** Absent when no instance has ever sent a heartbeat. */
  readonly lastHeartbeatAtMs?: number
}

/**
 * Returns where the counters' clock starts, in Unix milliseconds: never behind an earlier decision, and never further
 * ahead than time has really passed since.
 *
 * - On the boot that wrote the last mark, its monotonic clock says exactly how much time has passed.
 * - Live instances say what time it is.
 * - Otherwise, what the NATS server's clock says has passed since the last mark is added, if it is not negative.
 */
export function startOfClock(findings: StartFindings): number {
  const { bootId, monotonicMs, serverMs, marks, liveClocksMs } = findings
  const newest = newestMark(marks)
  const own = bootId === undefined ? undefined : marks.get(bootId)?.mark
  const known = [...liveClocksMs]
  if (own !== undefined) known.push(own.clockMs + Math.max(0, monotonicMs - own.monotonicMs))
  if (known.length > 0) {
    const latestMs = known.reduce((a, b) => Math.max(a, b))
    return Math.floor(Math.max(latestMs, newest?.mark.clockMs ?? 0))
  }
  return newest === undefined ? serverMs : newest.mark.clockMs + Math.max(0, serverMs - newest.storedAtMs)
}

/**
 * Returns the span in which charges may be missing because the store's machine lost power, or undefined when nothing
 * suggests that: while an instance is alive, or has run since this boot, or the last one was stopped in order, the
 * store was not lost with them.
 *
 * Each stream is synced to disk by itself, so counters may be older by the interval than the newest mark, and the
 * machine may have run on for as long after it. If the marks are missing too, nothing says when that was: any record
 * may be missing, and the span ends now. A bucket that was made again has lost everything counted before, whichever
 * instances are alive and whatever is synced.
 *
 * @param startMs where the clock starts
 */
export function suspectedLoss(findings: StartFindings, startMs: number): LostSpan | undefined {
  const { bootId, serverMs, marks, liveClocksMs, syncIntervalMs } = findings
  const madeAtMs = madeAgainAtMs(findings.buckets)
  const before =
    madeAtMs === undefined ? undefined : vanishedBefore(madeAtMs, { nowMs: startMs, serverMs, syncIntervalMs })
  const earlier = joinSpans(markedLoss(marks, startMs), before)
  if (liveClocksMs.length > 0 || syncIntervalMs === 0) return earlier
  if (haveMarksVanished(findings)) return joinSpans(earlier, vanishedUntil(startMs, syncIntervalMs))
  const newest = newestMark(marks)
  // Without a boot id, a killed process looks like a power cut.
  const isSameBoot = bootId === undefined || marks.has(bootId)
  if (newest === undefined || isSameBoot || newest.mark.stopped) return earlier
  const { clockMs } = newest.mark
  const untilMs = Math.min(clockMs + syncIntervalMs + MARK_INTERVAL_MS, startMs)
  const vanished = findings.losesWholeRecords ? { vanished: true as const } : {}
  return joinSpans(earlier, { fromMs: clockMs - syncIntervalMs, untilMs, ...vanished })
}

/** Returns the loss that is noted in the marks, or undefined when none still matters at `nowMs`. */
export function markedLoss(marks: StartFindings['marks'], nowMs: number): LostSpan | undefined {
  let joined: LostSpan | undefined
  for (const { mark } of marks.values()) {
    if (mark.lost === undefined || isOver(mark.lost, nowMs)) continue
    const { fromMs, untilMs, vanished } = mark.lost
    joined = joinSpans(joined, vanished === undefined ? { fromMs, untilMs } : { fromMs, untilMs, vanished })
  }
  return joined
}

/**
 * Returns the span to suspect when any record may be missing, and existing ones may lack what a power cut took at any
 * time.
 */
export function vanishedUntil(untilMs: number, syncIntervalMs: number): Required<LostSpan> {
  return { fromMs: untilMs - 2 * syncIntervalMs - MARK_INTERVAL_MS, untilMs, vanished: true }
}

/**
 * Returns the span to suspect when a bucket was made again at `madeAtMs` by the NATS server's clock, which reads
 * `serverMs` when the counters' clock reads `nowMs`; undefined when nothing from before still counts.
 */
export function vanishedBefore(
  madeAtMs: number,
  { nowMs, serverMs, syncIntervalMs }: { nowMs: number; serverMs: number; syncIntervalMs: number },
): LostSpan | undefined {
  const untilMs = Math.min(nowMs, madeAtMs + nowMs - serverMs + MARK_INTERVAL_MS)
  return isOver({ untilMs }, nowMs) ? undefined : vanishedUntil(untilMs, syncIntervalMs)
}

/**
 * Returns when the younger of records and marks was made, if an instance had run before that; undefined when both are
 * as the first instance made them. Everything counted before that instant may be missing.
 */
function madeAgainAtMs({ recordsMadeAtMs, marksMadeAtMs, lastHeartbeatAtMs }: FoundBuckets): number | undefined {
  const youngestMs = Math.max(recordsMadeAtMs, marksMadeAtMs)
  const hadRunBefore = lastHeartbeatAtMs !== undefined && lastHeartbeatAtMs < youngestMs
  return hadRunBefore || recordsMadeAtMs > marksMadeAtMs ? youngestMs : undefined
}

/** Returns true when there were marks that are neither there nor expired. */
function haveMarksVanished({ marks, marksBucket, serverMs }: StartFindings): boolean {
  const { createdAtMs, lastStoredAtMs, wasCleared } = marksBucket
  if (wasCleared) return true
  if (marks.size > 0 || serverMs - createdAtMs < FIRST_MARK_WITHIN_MS) return false
  return lastStoredAtMs === undefined || serverMs - lastStoredAtMs < CLOCK_MARK_EXPIRY_MS
}

/**
 * Returns true when this nats-server version keeps a stream's index in a file of its own, which a power cut can leave
 * ahead of it.
 */
export function keepsIndexApart(serverVersion: string): boolean {
  const [major = 0, minor = 0] = serverVersion.split('.').map(Number)
  return major < 2 || (major === 2 && minor < 10)
}

function newestMark(marks: StartFindings['marks']): StoredMark | undefined {
  let newest: StoredMark | undefined
  for (const each of marks.values()) {
    if (newest === undefined || each.mark.clockMs > newest.mark.clockMs) newest = each
  }
  return newest
}

/** A mark is written once a second. */
const MARK_INTERVAL_MS = 1_000
/** The instance that makes the bucket writes the first mark at once, before it serves anything. */
const FIRST_MARK_WITHIN_MS = 10_000
