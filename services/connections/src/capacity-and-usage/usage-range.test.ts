import { SluiceError } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { usageRange } from './usage-range.ts'

const NOW = Date.UTC(2026, 0, 31, 12)

it('reads instants and steps, with defaults', () => {
  expect(usageRange({}, NOW)).toEqual({ fromMs: NOW - 3_600_000, toMs: NOW, stepMs: 60_000 })
  expect(usageRange({ to: '2026-01-30T00:00:00.5Z', step: '1d' }, NOW)).toEqual({
    fromMs: Date.UTC(2026, 0, 29, 23, 0, 0, 500),
    toMs: Date.UTC(2026, 0, 30, 0, 0, 0, 500),
    stepMs: 86_400_000,
  })
})

it.each([
  { from: '2026-01-30T12:00:00Z', stepMs: 60_000 },
  { from: '2026-01-29T12:00:00Z', stepMs: 3_600_000 },
  { from: '2025-12-01T12:00:00Z', stepMs: 3_600_000 },
  { from: '2025-01-01T00:00:00Z', stepMs: 86_400_000 },
])('takes steps of $stepMs ms from $from on where none are asked for', ({ from, stepMs }) => {
  expect(usageRange({ from }, NOW).stepMs).toBe(stepMs)
})

it.each([
  [{ from: '2026-01-30' }, ['from']],
  [{ from: '2026-13-30T00:00:00Z', to: '5', step: '1' }, ['from', 'to', 'step']],
  [{ from: '1969-12-31T00:00:00Z' }, ['from']],
  [{ step: '0m' }, ['step']],
  [{ step: '1.5h' }, ['step']],
  [{ from: '2026-01-31T12:00:00Z' }, ['from']],
  [{ from: '2025-01-01T00:00:00Z', step: '1m' }, ['step']],
])('refuses %j', (text, fields) => {
  try {
    usageRange(text, NOW)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError)
    expect((error as SluiceError).fields.map(({ field }) => field)).toEqual(fields)
  }
})
