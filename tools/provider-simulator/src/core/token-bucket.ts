/**
 * A bucket that holds `capacity` units, at least 1, when full and refills evenly, an empty one within `periodMs`.
 * `available` is what it held at `updatedAtMs` (Unix milliseconds), between 0 and `capacity`.
 */
export interface TokenBucket {
  readonly capacity: number
  readonly periodMs: number
  readonly available: number
  readonly updatedAtMs: number
}

export type TakeResult =
  | { readonly status: 'taken'; readonly bucket: TokenBucket }
  /** `waitMs` until the bucket holds the amount if nobody else takes; absent when it never can: the amount exceeds `capacity`. */
  | { readonly status: 'denied'; readonly waitMs?: number }

/** A bucket that is full at `nowMs`. */
export function fullBucket(capacity: number, periodMs: number, nowMs: number): TokenBucket {
  return { capacity, periodMs, available: capacity, updatedAtMs: nowMs }
}

/** The same bucket as it stands at `nowMs`. An instant before its last update changes nothing. */
export function refilled(bucket: TokenBucket, nowMs: number): TokenBucket {
  const elapsedMs = nowMs - bucket.updatedAtMs
  if (elapsedMs <= 0) return bucket
  const available = Math.min(bucket.capacity, bucket.available + (elapsedMs * bucket.capacity) / bucket.periodMs)
  return { ...bucket, available, updatedAtMs: nowMs }
}

/** Takes `amount` units at `nowMs`, all or nothing. */
export function take(bucket: TokenBucket, amount: number, nowMs: number): TakeResult {
  if (amount > bucket.capacity) return { status: 'denied' }
  const current = refilled(bucket, nowMs)
  const missing = amount - current.available
  if (missing > ROUNDING_ERROR) return { status: 'denied', waitMs: refillMs(current, missing) }
  return { status: 'taken', bucket: { ...current, available: Math.max(0, current.available - amount) } }
}

/** Whole units that can be taken from the bucket as it stands. */
export function remaining(bucket: TokenBucket): number {
  return Math.floor(bucket.available + ROUNDING_ERROR)
}

/** Milliseconds, with a fraction, until the bucket is full again if nobody takes. */
export function msUntilFull(bucket: TokenBucket): number {
  return refillMs(bucket, bucket.capacity - bucket.available)
}

// A refill of exactly one unit may come out a hair below it in floating point.
const ROUNDING_ERROR = 1e-6

// In whole nanoseconds: a hair above or below a millisecond would round to the wrong one.
function refillMs(bucket: TokenBucket, amount: number): number {
  return Math.round((amount * bucket.periodMs * 1e6) / bucket.capacity) / 1e6
}
