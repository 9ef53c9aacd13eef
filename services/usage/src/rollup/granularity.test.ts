import { expect, it } from 'vitest'
import { granularityAt, type Horizons, tellableStepMs } from './granularity.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const HORIZONS: Horizons = { minute: 100 * DAY_MS, hour: 50 * DAY_MS, day: 10 * DAY_MS }

it('keeps every instant in one granularity', () => {
  const instantsMs = [HORIZONS.minute, HORIZONS.minute - 1, HORIZONS.hour, HORIZONS.hour - 1, HORIZONS.day]
  expect(instantsMs.map((atMs) => granularityAt(atMs, HORIZONS))).toEqual(['minute', 'hour', 'hour', 'day', 'day'])
  expect(granularityAt(HORIZONS.day - 1, HORIZONS)).toBeUndefined()
})

it.each([
  { stepMs: 60_000, fromMs: HORIZONS.minute, told: 60_000 },
  { stepMs: 60_000, fromMs: HORIZONS.minute - 1, told: HOUR_MS },
  { stepMs: 90 * 60_000, fromMs: HORIZONS.hour, told: 2 * HOUR_MS },
  { stepMs: 3 * HOUR_MS, fromMs: HORIZONS.hour, told: 3 * HOUR_MS },
  { stepMs: HOUR_MS, fromMs: HORIZONS.hour - 1, told: DAY_MS },
  { stepMs: 60_000, fromMs: 0, told: DAY_MS },
])('tells steps of $stepMs ms from $fromMs on by $told ms', ({ stepMs, fromMs, told }) => {
  expect(tellableStepMs(stepMs, fromMs, HORIZONS)).toBe(told)
})
