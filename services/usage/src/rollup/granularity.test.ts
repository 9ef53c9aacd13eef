import { expect, it } from 'vitest'
import {
  GRANULARITIES,
  granularityAt,
  partitionAt,
  partitionsBetween,
  type RetentionStarts,
  shortestStepMs,
} from './granularity.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const STARTS: RetentionStarts = { minute: 100 * DAY_MS, hour: 50 * DAY_MS, day: 10 * DAY_MS }

it('keeps every instant in one granularity', () => {
  const instantsMs = [STARTS.minute, STARTS.minute - 1, STARTS.hour, STARTS.hour - 1, STARTS.day]
  expect(instantsMs.map((atMs) => granularityAt(atMs, STARTS))).toEqual(['minute', 'hour', 'hour', 'day', 'day'])
  expect(granularityAt(STARTS.day - 1, STARTS)).toBeUndefined()
})

it.each([
  { stepMs: 60_000, fromMs: STARTS.minute, usedMs: 60_000 },
  { stepMs: 60_000, fromMs: STARTS.minute - 1, usedMs: HOUR_MS },
  { stepMs: 90 * 60_000, fromMs: STARTS.hour, usedMs: 2 * HOUR_MS },
  { stepMs: 3 * HOUR_MS, fromMs: STARTS.hour, usedMs: 3 * HOUR_MS },
  { stepMs: HOUR_MS, fromMs: STARTS.hour - 1, usedMs: DAY_MS },
  { stepMs: 60_000, fromMs: 0, usedMs: DAY_MS },
])('has steps of $stepMs ms from $fromMs on by $usedMs ms', ({ stepMs, fromMs, usedMs }) => {
  expect(shortestStepMs(stepMs, fromMs, STARTS)).toBe(usedMs)
})

it('parts minutes by day, hours by month and days by year', () => {
  const atMs = Date.UTC(2026, 11, 31, 23, 59, 59, 999)
  const toMs = Date.UTC(2027, 0, 1)
  expect(GRANULARITIES.map((granularity) => partitionAt(granularity, atMs))).toEqual([
    { label: '20261231', fromMs: Date.UTC(2026, 11, 31), toMs },
    { label: '202612', fromMs: Date.UTC(2026, 11), toMs },
    { label: '2026', fromMs: Date.UTC(2026, 0), toMs },
  ])
})

it('leaves no gap between partitions, and names them in their order', () => {
  for (const granularity of GRANULARITIES) {
    const partitions = partitionsBetween(granularity, Date.UTC(2023, 10, 5, 7), Date.UTC(2026, 1, 3))
    expect(partitions.slice(1).map(({ fromMs }) => fromMs)).toEqual(partitions.slice(0, -1).map(({ toMs }) => toMs))
    expect(partitions.map(({ label }) => label)).toEqual(partitions.map(({ label }) => label).toSorted())
    expect(partitions.at(-1)).toEqual(partitionAt(granularity, Date.UTC(2026, 1, 3)))
  }
})
