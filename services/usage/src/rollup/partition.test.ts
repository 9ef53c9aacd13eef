import { expect, it } from 'vitest'
import { GRANULARITIES } from './granularity.ts'
import { partitionAt, partitionsBetween } from './partition.ts'

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
