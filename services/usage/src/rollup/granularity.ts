import { partitionAt } from './partition.ts'

/** How finely usage is added up. */
export type Granularity = 'minute' | 'hour' | 'day'

/** Finest first. */
export const GRANULARITIES: readonly Granularity[] = ['minute', 'hour', 'day']

/** How long the rollups of each granularity are, in milliseconds. */
export const ROLLUP_MS: Readonly<Record<Granularity, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/**
 * From when on usage is kept so finely, Unix milliseconds. What ended before is kept in the next coarser granularity; before the
 * horizon of days nothing is kept. A horizon is the start of a rollup of the next coarser granularity, and never goes back.
 */
export type Horizons = Readonly<Record<Granularity, number>>

/** The start of the rollup that holds the instant, Unix milliseconds. */
export function rollupStart(granularity: Granularity, atMs: number): number {
  return Math.floor(atMs / ROLLUP_MS[granularity]) * ROLLUP_MS[granularity]
}

/** The granularity that usage of this instant is kept in, which every instant has one of; undefined before all horizons. */
export function granularityAt(atMs: number, horizons: Horizons): Granularity | undefined {
  return GRANULARITIES.find((granularity) => atMs >= horizons[granularity])
}

/**
 * The shortest step, at least `stepMs`, that everything from `fromMs` on can be told by: a multiple of the coarsest granularity that
 * is kept there.
 */
export function tellableStepMs(stepMs: number, fromMs: number, horizons: Horizons): number {
  const coarsestMs = ROLLUP_MS[granularityAt(fromMs, horizons) ?? 'day']
  return Math.ceil(stepMs / coarsestMs) * coarsestMs
}

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
