import type { Clock } from '../ports/clock.ts'

/** One message that the server stamped with its time, by this process's monotonic clock. */
export interface TimeSample {
  readonly sentAtMs: number
  readonly ackedAtMs: number
  /** The server's stamp, Unix milliseconds. */
  readonly storedAtMs: number
}

export interface ServerClock extends Clock {
  measured(sample: TimeSample): void
}

/**
 * The server's clock as this process knows it: monotonic time plus an offset. The stamp was made somewhere between sending and
 * acknowledgement, so the sample with the shortest way of the last few has the smallest error: half of its way.
 * This machine's wall clock has no part in it.
 */
export function serverClock(monotonicMs: () => number): ServerClock {
  let samples: TimeSample[] = []
  let offsetMs: number | undefined
  return {
    measured: (sample) => {
      samples = [...samples, sample].slice(-SAMPLES)
      const best = samples.reduce((a, b) => (wayMs(b) <= wayMs(a) ? b : a))
      offsetMs = best.storedAtMs - (best.sentAtMs + best.ackedAtMs) / 2
    },
    nowMs: () => {
      if (offsetMs === undefined) throw new Error('the server clock was read before it was measured')
      return Math.floor(monotonicMs() + offsetMs)
    },
  }
}

function wayMs(sample: TimeSample): number {
  return sample.ackedAtMs - sample.sentAtMs
}

/** With one sample a second: a good one is used for ten seconds, in which two clocks drift apart by far less than a millisecond. */
const SAMPLES = 10
