import { CLOCK_MARK_EXPIRY_MS, type ClockMark } from '@sluice/contracts'
import { joinSpans, type LostSpan } from '../record/lost-charges.ts'
import { isOver } from '../record/record.ts'

/** What an instance finds when it starts. */
export interface StartFindings {
  /** The id of this machine's boot; absent where the system has none. */
  readonly bootId: string | undefined
  /** This machine's monotonic clock, milliseconds since its boot. */
  readonly monotonicMs: number
  /** The NATS server's clock, Unix milliseconds. */
  readonly serverMs: number
  /** Every mark in the store, by boot id, with the server's time when it was stored. */
  readonly marks: ReadonlyMap<string, StoredMark>
  readonly marksBucket: MarksBucket
  /** The buckets as they were found, before this instance wrote anything there. */
  readonly buckets: FoundBuckets
  /** Whether a power cut can take whole records from this server, and not only their last states. */
  readonly losesWholeRecords: boolean
  /** The clocks of instances that are alive, as they were at most a heartbeat ago. */
  readonly liveClocksMs: readonly number[]
  /** For how long the server keeps a write before it is safe from a power cut; 0: not at all. */
  readonly syncIntervalMs: number
}

export interface MarksBucket {
  readonly createdAtMs: number
  /** When a mark was stored last, whether or not it is still there; absent where the server knows of none. */
  readonly lastStoredAtMs?: number
  /** What is stored there could not be read, so that it was cleared. */
  readonly wasCleared: boolean
}

/** What tells whether counters were lost with their bucket. Instants are Unix milliseconds by the NATS server's clock. */
export interface FoundBuckets {
  readonly recordsMadeAtMs: number
  readonly marksMadeAtMs: number
  /** Absent where no instance has ever announced itself. */
  readonly lastHeartbeatAtMs?: number
}

export interface StoredMark {
  readonly mark: ClockMark
  readonly storedAtMs: number
}

/**
 * Returns where the counters' clock begins, Unix milliseconds: never behind what an instance before has decided at, and never further
 * on than time has really passed since.
 *
 * - On the boot that wrote the last mark, its monotonic clock says exactly how much has passed.
 * - Instances that are alive say what time it is.
 * - Otherwise the NATS server's clock is all there is: what it says has passed since the last mark is added, if it is not negative.
 */
export function startOfClock(findings: StartFindings): number {
  const { bootId, monotonicMs, serverMs, marks, liveClocksMs } = findings
  const own = bootId === undefined ? undefined : marks.get(bootId)?.mark
  const known = [...liveClocksMs]
  if (own !== undefined) known.push(own.clockMs + Math.max(0, monotonicMs - own.monotonicMs))
  if (known.length > 0)
    return Math.floor(
      Math.max(
        known.reduce((a, b) => Math.max(a, b)),
        newestMark(marks)?.mark.clockMs ?? 0,
      ),
    )
  const newest = newestMark(marks)
  if (newest === undefined) return serverMs
  return newest.mark.clockMs + Math.max(0, serverMs - newest.storedAtMs)
}

/**
 * Returns the span of which charges may be missing because the store's machine lost power, or undefined where that is not suspected:
 * while an instance is alive, or was since this boot, or the last one stopped in order, the store was not lost with them.
 *
 * Each stream is synced to the disk by itself, so that counters may be older by the interval than the newest mark, and the machine
 * may have gone on for as long after it. Where the marks are missing too, nothing says when that was: any record may be missing, and
 * the span ends now. A bucket that was made again has lost all that was counted before, whoever is alive and whatever is synced.
 * @param startMs where the clock begins
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

/** Returns the loss that the marks tell of; undefined where there is none that still matters at `nowMs`. */
export function markedLoss(marks: StartFindings['marks'], nowMs: number): LostSpan | undefined {
  let joined: LostSpan | undefined
  for (const { mark } of marks.values()) {
    if (mark.lost === undefined || isOver(mark.lost, nowMs)) continue
    const { fromMs, untilMs, vanished } = mark.lost
    joined = joinSpans(joined, vanished === undefined ? { fromMs, untilMs } : { fromMs, untilMs, vanished })
  }
  return joined
}

/** Returns the span to suspect where any record may be missing, and those that are there may lack what a power cut took at any time. */
export function vanishedUntil(untilMs: number, syncIntervalMs: number): Required<LostSpan> {
  return { fromMs: untilMs - 2 * syncIntervalMs - MARK_INTERVAL_MS, untilMs, vanished: true }
}

/**
 * Returns the span to suspect where a bucket was made again at `madeAtMs` by the NATS server's clock, which says `serverMs` when the
 * counters' clock says `nowMs`; undefined where nothing from before counts any more.
 */
export function vanishedBefore(
  madeAtMs: number,
  { nowMs, serverMs, syncIntervalMs }: { nowMs: number; serverMs: number; syncIntervalMs: number },
): LostSpan | undefined {
  const untilMs = Math.min(nowMs, madeAtMs + nowMs - serverMs + MARK_INTERVAL_MS)
  return isOver({ untilMs }, nowMs) ? undefined : vanishedUntil(untilMs, syncIntervalMs)
}

/**
 * Returns when the younger of records and marks was made, where that was after an instance had been there already; undefined where they
 * are as the first instance made them. Everything that was counted before may be missing then.
 */
function madeAgainAtMs({ recordsMadeAtMs, marksMadeAtMs, lastHeartbeatAtMs }: FoundBuckets): number | undefined {
  const youngestMs = Math.max(recordsMadeAtMs, marksMadeAtMs)
  const wasThereBefore = lastHeartbeatAtMs !== undefined && lastHeartbeatAtMs < youngestMs
  return wasThereBefore || recordsMadeAtMs > marksMadeAtMs ? youngestMs : undefined
}

/** Whether there were marks, and they are neither there nor expired. */
function haveMarksVanished({ marks, marksBucket, serverMs }: StartFindings): boolean {
  const { createdAtMs, lastStoredAtMs, wasCleared } = marksBucket
  if (wasCleared) return true
  if (marks.size > 0 || serverMs - createdAtMs < FIRST_MARK_WITHIN_MS) return false
  return lastStoredAtMs === undefined || serverMs - lastStoredAtMs < CLOCK_MARK_EXPIRY_MS
}

/** Returns whether this version of nats-server keeps a stream's index in a file of its own, which a power cut can leave ahead of it. */
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
/** The instance that creates the bucket writes the first mark at once, before it serves anything. */
const FIRST_MARK_WITHIN_MS = 10_000
