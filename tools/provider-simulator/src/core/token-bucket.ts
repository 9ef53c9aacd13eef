/**
 * A bucket of `capacity` units, at least 1, that refills evenly: from empty to full within `periodMs`. It held
 * `available` units, from 0 to `capacity`, at `updatedAtMs` (Unix milliseconds).
 */
export interface TokenBucket {
  readonly capacity: number
  readonly periodMs: number
  readonly available: number
  readonly updatedAtMs: number
}

export type TakeResult =
  | { readonly status: 'taken'; readonly bucket: TokenBucket }
  /** `waitMs` until the bucket holds the amount; absent if the amount exceeds `capacity`. */
  | { readonly status: 'denied'; readonly waitMs?: number }

/** Returns a bucket that is full at `nowMs`. */
export function fullBucket(capacity: number, periodMs: number, nowMs: number): TokenBucket {
  return { capacity, periodMs, available: capacity, updatedAtMs: nowMs }
}

/** Returns the bucket as of `nowMs`; unchanged if that is before its last update. */
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

/** Returns the whole units that can be taken without a refill. */
export function remaining(bucket: TokenBucket): number {
  return Math.floor(bucket.available + ROUNDING_ERROR)
}

/** Returns the milliseconds, with a fraction, until the bucket is full again. */
export function msUntilFull(bucket: TokenBucket): number {
  return refillMs(bucket, bucket.capacity - bucket.available)
}

// In floating point, a refill of exactly one unit may come out slightly below it.
const ROUNDING_ERROR = 1e-6

// In whole nanoseconds: slightly more or less than a millisecond would round to the wrong one.
function refillMs(bucket: TokenBucket, amount: number): number {
  return Math.round((amount * bucket.periodMs * 1e6) / bucket.capacity) / 1e6
}
