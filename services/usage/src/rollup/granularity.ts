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
 * retention start of days nothing is kept. A retention start is the start of a rollup of the next coarser granularity, and never goes back.
 */
export type RetentionStarts = Readonly<Record<Granularity, number>>

/** The start of the rollup that holds the instant, Unix milliseconds. */
export function rollupStart(granularity: Granularity, atMs: number): number {
  return Math.floor(atMs / ROLLUP_MS[granularity]) * ROLLUP_MS[granularity]
}

/** The granularity that usage of this instant is kept in, which every instant has one of; undefined before all retention starts. */
export function granularityAt(atMs: number, retentionStarts: RetentionStarts): Granularity | undefined {
  return GRANULARITIES.find((granularity) => atMs >= retentionStarts[granularity])
}

/**
 * The shortest step, at least `stepMs`, that everything from `fromMs` on can be told by: a multiple of the coarsest granularity that
 * is kept there.
 */
export function shortestStepMs(stepMs: number, fromMs: number, retentionStarts: RetentionStarts): number {
  const coarsestMs = ROLLUP_MS[granularityAt(fromMs, retentionStarts) ?? 'day']
  return Math.ceil(stepMs / coarsestMs) * coarsestMs
}

/** How many days, at least, usage is kept in each granularity. */
export type RetentionDays = Readonly<Record<Granularity, number>>

/** Where the retention starts should be at `nowMs`: everything is kept in its granularity for as long as `retentionDays` says, or a little longer. */
export function dueRetentionStarts(retentionDays: RetentionDays, nowMs: number): RetentionStarts {
  const oldestMs = (granularity: Granularity) => nowMs - retentionDays[granularity] * ROLLUP_MS.day
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
export function countedAtMs(endedAtMs: number, retentionStarts: RetentionStarts, nowMs: number): number {
  return endedAtMs >= retentionStarts.day && endedAtMs <= nowMs + MAX_AHEAD_MS ? endedAtMs : nowMs
}

/** Clocks of machines that are looked after differ by less. */
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
