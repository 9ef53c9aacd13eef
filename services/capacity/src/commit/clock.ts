import { readFile } from 'node:fs/promises'

/** The time that all instances share. */
export interface Clock {
  /** Unix milliseconds, a whole number; never goes back in one instance but by what a correction of the clock takes. */
  nowMs(): number
}

/** One message that the NATS server stamped with its time, by this machine's monotonic clock. */
export interface TimeSample {
  readonly sentAtMs: number
  readonly ackedAtMs: number
  /** The server's stamp, Unix milliseconds. */
  readonly storedAtMs: number
}

/** The clock that the counters are decided by. */
export interface CountersClock extends Clock {
  /** Takes another instance's clock, as it was a moment ago, where that is ahead of this one. */
  heard(clockMs: number): void
  /**
   * Compares the NATS server's clock, and returns by how much it has stepped since the sample before, milliseconds; 0 where it goes
   * on evenly. Where this clock is ahead of the server's it goes slower until it no longer is.
   */
  measured(sample: TimeSample): number
}

/**
 * The counters' clock: begins where the instances before it were, and goes on with this machine's monotonic clock. Nothing that sets
 * a wall clock, the NATS server's included, moves it: no leap forward frees capacity early, and no leap back stops admission.
 *
 * Instances agree by following whichever is ahead. None can be ahead of real time: each has gone on evenly since it began.
 *
 * @param monotonicMs milliseconds that only ever go on, at an even pace
 * @param startMs where it begins, Unix milliseconds
 */
export function createCountersClock(monotonicMs: () => number, startMs: number): CountersClock {
  let offsetMs = startMs - monotonicMs()
  let last: TimeSample | undefined

  return {
    nowMs: () => Math.floor(monotonicMs() + offsetMs),
    heard: (clockMs) => {
      offsetMs = Math.max(offsetMs, clockMs - monotonicMs())
    },
    measured: (sample) => {
      const before = last
      last = sample
      if (before === undefined) return 0
      const aheadMs = offsetMs - (sample.storedAtMs - sample.sentAtMs)
      const elapsedMs = sample.sentAtMs - before.sentAtMs
      if (aheadMs > 0) offsetMs -= Math.min(aheadMs, elapsedMs * SLOWER_BY)
      return stepBetween(before, sample)
    },
  }
}

/** Returns the step of the server's clock that two samples prove: each stamp was made between its sending and its acknowledgement. */
export function stepBetween(before: TimeSample, after: TimeSample): number {
  const leastMs = after.storedAtMs - after.ackedAtMs - (before.storedAtMs - before.sentAtMs)
  const mostMs = after.storedAtMs - after.sentAtMs - (before.storedAtMs - before.ackedAtMs)
  if (leastMs > STEP_MS) return Math.round(leastMs)
  return mostMs < -STEP_MS ? Math.round(mostMs) : 0
}

/** A clock that is ahead loses five milliseconds a second: half a percent of capacity. */
const SLOWER_BY = 0.005
/** What two even clocks differ by between two samples is far less. */
const STEP_MS = 100

/**
 * Returns the id of this machine's boot, or undefined where the system does not say (it is Linux' file, proc(5)).
 * @throws Error when the file is there and cannot be read
 */
export async function readBootId(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Returns milliseconds since this machine's boot, the same for all its processes, whatever sets its wall clock. */
export function sinceBootMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
