import type { Granularity } from './granularity.ts'

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
