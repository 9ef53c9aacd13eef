import { type Granularity, type Horizons, ROLLUP_MS, rollupStart } from './granularity.ts'
import { partitionAt } from './partition.ts'

/** For how many days at least usage is kept in each granularity. */
export type KeptDays = Readonly<Record<Granularity, number>>

/** Where the horizons should be at `nowMs`: everything is kept in its granularity for as long as `kept` says, or a little longer. */
export function dueHorizons(kept: KeptDays, nowMs: number): Horizons {
  const oldestMs = (granularity: Granularity) => nowMs - kept[granularity] * ROLLUP_MS.day
  return {
    minute: rollupStart('hour', oldestMs('minute')),
    hour: rollupStart('day', oldestMs('hour')),
    // There is nothing coarser to go into: days stay until their partition is dropped.
    day: partitionAt('day', oldestMs('day')).fromMs,
  }
}

/**
 * The instant that an event counts as of: its own, unless that can only come from a wrong clock (some minutes in the future, or
 * before everything that is kept), and then now.
 */
export function countedAtMs(endedAtMs: number, horizons: Horizons, nowMs: number): number {
  return endedAtMs >= horizons.day && endedAtMs <= nowMs + MAX_AHEAD_MS ? endedAtMs : nowMs
}

/** Clocks of machines that are looked after differ by less. */
const MAX_AHEAD_MS = 300_000
