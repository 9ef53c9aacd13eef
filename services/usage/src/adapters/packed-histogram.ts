import type { Histogram } from '../domain/histogram.ts'

/** A histogram as PostgreSQL keeps it: bucket * 2^40 + count for each bucket that holds something. */
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
