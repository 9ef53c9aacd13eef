import type { ClockMark } from '@sluice/contracts'
import type { LostSpan } from '../domain/loss.ts'

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
  /** The clocks of instances that are alive, as they were at most a heartbeat ago. */
  readonly liveClocksMs: readonly number[]
  /** For how long the server keeps a write before it is safe from a power cut; 0: not at all. */
  readonly syncIntervalMs: number
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
 * may have gone on for as long after it.
 * @param startMs where the clock begins
 */
export function suspectedLoss(findings: StartFindings, startMs: number): LostSpan | undefined {
  const { bootId, marks, liveClocksMs, syncIntervalMs } = findings
  const earlier = latestSpan([...marks.values()].map(({ mark }) => mark.lost))
  const newest = newestMark(marks)
  // Without a boot id, a killed process looks like a power cut.
  const isSameBoot = bootId === undefined || marks.has(bootId)
  if (newest === undefined || isSameBoot || liveClocksMs.length > 0 || newest.mark.stopped || syncIntervalMs === 0) {
    return earlier
  }
  const { clockMs } = newest.mark
  const untilMs = Math.min(clockMs + syncIntervalMs + MARK_INTERVAL_MS, startMs)
  return latestSpan([earlier, { fromMs: clockMs - syncIntervalMs, untilMs }])
}

function latestSpan(spans: readonly (LostSpan | undefined)[]): LostSpan | undefined {
  let latest: LostSpan | undefined
  for (const span of spans) {
    if (span !== undefined && (latest === undefined || span.untilMs > latest.untilMs)) latest = span
  }
  return latest
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
