import { PERIOD_MS } from '@sluice/contracts'

/**
 * The length of a limit's window in milliseconds, inferred from one answer: what was used flows back evenly, so that the
 * window is about `resetMs` × `limit` ÷ (`limit` − `remaining`), which is snapped to a minute, an hour or a day. Undefined
 * where the answer does not tell: nothing is used, the reset is too short to be exact, or no period is near.
 *
 * @param resetMs until the whole limit is free again, in whole milliseconds, rounded up
 */
export function inferPeriodMs(limit: number, remaining: number, resetMs: number): number | undefined {
  const used = limit - remaining
  if (used <= 0 || remaining < 0 || resetMs < MIN_RESET_MS) return undefined
  const estimateMs = (resetMs * limit) / used
  return PERIODS_MS.find((periodMs) => estimateMs < periodMs * MAX_FACTOR && estimateMs > periodMs / MAX_FACTOR)
}

const PERIODS_MS: readonly number[] = Object.values(PERIOD_MS)
/** Rounding up makes a reset at most twice as long from here on. */
const MIN_RESET_MS = 2
/** How far an estimate may be off: less than the square root of 24, so that it is near one period at most. */
const MAX_FACTOR = 4
