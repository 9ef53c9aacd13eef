/** The time that all instances share. */
export interface Clock {
  /** Unix milliseconds, a whole number; never goes back in one instance but by what a correction of the clock takes. */
  nowMs(): number
}
