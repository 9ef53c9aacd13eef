/**
 * The number of values in each bucket. Buckets are the same everywhere and always, so that histograms of any spans add
 * up: bucket `b` holds the durations from 2^(b/8) up to 2^((b+1)/8) milliseconds, which is eight to an octave.
 */
export type Histogram = Map<number, number>

/** Returns the bucket of a duration in milliseconds. Less than 1 ms counts as 1 ms, more than two days as two days. */
export function bucketOf(durationMs: number): number {
  return Math.floor(Math.log2(Math.min(Math.max(durationMs, 1), MAX_DURATION_MS)) * BUCKETS_PER_OCTAVE)
}

export function addDuration(histogram: Histogram, durationMs: number): void {
  const bucket = bucketOf(durationMs)
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + 1)
}

/** Adds `other` to `histogram`. */
export function mergeInto(histogram: Histogram, other: Histogram): void {
  for (const [bucket, count] of other) histogram.set(bucket, (histogram.get(bucket) ?? 0) + count)
}

/**
 * Returns the duration that `fraction` (above 0, up to 1) of all do not exceed, by nearest rank, in milliseconds:
 * within 4.5 % of the exact one, for those of 1 ms and more. Undefined for an empty histogram.
 */
export function percentileMs(histogram: Histogram, fraction: number): number | undefined {
  const buckets = [...histogram].sort(([a], [b]) => a - b)
  const total = buckets.reduce((sum, [, count]) => sum + count, 0)
  const rank = Math.ceil(total * fraction)
  let seen = 0
  for (const [bucket, count] of buckets) {
    seen += count
    // In the middle of the bucket, on a scale of ratios.
    if (seen >= rank) return 2 ** ((bucket + 0.5) / BUCKETS_PER_OCTAVE)
  }
  return undefined
}

const BUCKETS_PER_OCTAVE = 8
const MAX_DURATION_MS = 2 * 86_400_000

/** Returns a histogram as PostgreSQL stores it: bucket * 2^40 + count for each bucket that is not empty. */
export function packHistogram(histogram: Histogram): number[] {
  return Array.from(histogram, ([bucket, count]) => bucket * BUCKET_UNIT + count).sort((a, b) => a - b)
}

export function unpackHistogram(packed: readonly (number | string)[]): Histogram {
  return new Map(
    packed.map((element) => {
      const value = Number(element)
      return [Math.floor(value / BUCKET_UNIT), value % BUCKET_UNIT]
    }),
  )
}

/** Leaves room for 2^40 values in a bucket, and keeps every element a safe integer. */
const BUCKET_UNIT = 2 ** 40
