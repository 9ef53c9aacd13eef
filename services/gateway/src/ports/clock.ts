export interface Clock {
  /** The instant, Unix milliseconds, whole. */
  nowMs(): number
  /** Milliseconds, with a fraction, since some instant; never goes back. */
  elapsedMs(): number
}
