/**
 * The counters' clock. No wall clock takes part, not even the NATS server's: it starts where the instances before it
 * were and goes on with this machine's monotonic clock, so that setting a clock neither frees capacity early nor stops
 * admission.
 */
import { readFile } from 'node:fs/promises'

/** The time that all instances share. */
export interface Clock {
  /** Returns Unix milliseconds, a whole number. Goes back in one instance only by what a correction takes. */
  nowMs(): number
}

/** A message that the NATS server stamped with its time, placed on this machine's monotonic clock. */
export interface TimeSample {
  readonly sentAtMs: number
  readonly ackedAtMs: number
  /** The server's stamp, Unix milliseconds. */
  readonly storedAtMs: number
}

export interface CountersClock extends Clock {
  /** Adopts another instance's clock, read a moment ago, if it is ahead of this one. */
  heard(clockMs: number): void
  /**
   * Compares the NATS server's clock and returns by how many milliseconds it has stepped since the last sample; 0 when
   * it runs evenly. While this clock is ahead of the server's it runs slower.
   */
  measured(sample: TimeSample): number
}

/**
 * Creates the clock of one instance. Instances agree by following whichever clock is ahead; none can be ahead of real
 * time, since each has run evenly since its start.
 *
 * @param monotonicMs milliseconds that only go forward, at an even pace
 * @param startMs where the clock starts, Unix milliseconds
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

/**
 * Returns the step of the server's clock that two samples prove: each stamp was made between its sending and its
 * acknowledgement.
 */
export function stepBetween(before: TimeSample, after: TimeSample): number {
  const leastMs = after.storedAtMs - after.ackedAtMs - (before.storedAtMs - before.sentAtMs)
  const mostMs = after.storedAtMs - after.sentAtMs - (before.storedAtMs - before.ackedAtMs)
  if (leastMs > STEP_MS) return Math.round(leastMs)
  return mostMs < -STEP_MS ? Math.round(mostMs) : 0
}

/** A clock that is ahead loses five milliseconds a second: half a percent of capacity. */
const SLOWER_BY = 0.005
/** Two even clocks differ by far less between two samples. */
const STEP_MS = 100

/**
 * Returns the id of this machine's boot, or undefined when the system has no such file
 * (`/proc/sys/kernel/random/boot_id`, proc(5)).
 * @throws Error when the file exists and cannot be read
 */
export async function readBootId(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Returns milliseconds since this machine's boot, the same in all its processes, whatever sets its wall clock. */
export function sinceBootMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
