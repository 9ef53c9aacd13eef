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
