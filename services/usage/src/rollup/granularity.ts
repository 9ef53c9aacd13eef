/** The length of a rollup. */
export type Granularity = 'minute' | 'hour' | 'day'

/** Finest first. */
export const GRANULARITIES: readonly Granularity[] = ['minute', 'hour', 'day']

/** The length of each granularity's rollups in milliseconds. */
export const ROLLUP_MS: Readonly<Record<Granularity, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/**
 * The instants, in Unix milliseconds, from which on usage is stored in each granularity. Earlier usage is stored in
 * the next longer one; before the retention start of days nothing is stored. A retention start is the start of a
 * rollup of the next longer granularity, and never goes back.
 */
export type RetentionStarts = Readonly<Record<Granularity, number>>

/** Returns the start of the rollup that holds the instant, Unix milliseconds. */
export function rollupStart(granularity: Granularity, atMs: number): number {
  return Math.floor(atMs / ROLLUP_MS[granularity]) * ROLLUP_MS[granularity]
}

/** Returns the one granularity in which usage of this instant is stored; undefined before all retention starts. */
export function granularityAt(atMs: number, retentionStarts: RetentionStarts): Granularity | undefined {
  return GRANULARITIES.find((granularity) => atMs >= retentionStarts[granularity])
}

/**
 * Returns the shortest step, at least `stepMs`, for all usage from `fromMs` on: a multiple of the longest granularity
 * that is stored there.
 */
export function shortestStepMs(stepMs: number, fromMs: number, retentionStarts: RetentionStarts): number {
  const coarsestMs = ROLLUP_MS[granularityAt(fromMs, retentionStarts) ?? 'day']
  return Math.ceil(stepMs / coarsestMs) * coarsestMs
}

/** The number of days, at least, that usage is stored in each granularity. */
export type RetentionDays = Readonly<Record<Granularity, number>>

/** Returns where the retention starts should be at `nowMs`: usage is stored for `retentionDays`, or a little longer. */
export function dueRetentionStarts(retentionDays: RetentionDays, nowMs: number): RetentionStarts {
  const oldestMs = (granularity: Granularity) => nowMs - retentionDays[granularity] * ROLLUP_MS.day
  return {
    minute: rollupStart('hour', oldestMs('minute')),
    hour: rollupStart('day', oldestMs('hour')),
    // There is no longer granularity: days stay until their partition is dropped.
    day: partitionAt('day', oldestMs('day')).fromMs,
  }
}

/**
 * Returns the instant as of which an event counts: its own, unless that must come from a wrong clock (some minutes in
 * the future, or before everything that is stored), and then now.
 */
export function countedAtMs(endedAtMs: number, retentionStarts: RetentionStarts, nowMs: number): number {
  return endedAtMs >= retentionStarts.day && endedAtMs <= nowMs + MAX_AHEAD_MS ? endedAtMs : nowMs
}

/** Synchronized clocks differ by less. */
const MAX_AHEAD_MS = 300_000

/** One part of a granularity's table, dropped as a whole: minutes by day, hours by month, days by year. */
export interface Partition {
  /** `20260131`, `202601` or `2026`. */
  readonly label: string
  /** Unix milliseconds. */
  readonly fromMs: number
  /** Not included. */
  readonly toMs: number
}

/** The partition that holds the instant, by UTC. */
export function partitionAt(granularity: Granularity, atMs: number): Partition {
  const at = new Date(atMs)
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()]
  const iso = at.toISOString().replaceAll('-', '')
  if (granularity === 'minute') {
    return { label: iso.slice(0, 8), fromMs: Date.UTC(year, month, day), toMs: Date.UTC(year, month, day + 1) }
  }
  if (granularity === 'hour') {
    return { label: iso.slice(0, 6), fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1) }
  }
  return { label: iso.slice(0, 4), fromMs: Date.UTC(year, 0), toMs: Date.UTC(year + 1, 0) }
}

/** The partitions that hold the instants from `fromMs` to `toMs`, oldest first. */
export function partitionsBetween(granularity: Granularity, fromMs: number, toMs: number): Partition[] {
  const partitions: Partition[] = []
  for (let atMs = fromMs; atMs <= toMs; ) {
    const partition = partitionAt(granularity, atMs)
    partitions.push(partition)
    atMs = partition.toMs
  }
  return partitions
}
