import fc from 'fast-check'
import { expect, it } from 'vitest'
import { learn } from './learn.ts'
import type { LimitReading } from './limit-reading.ts'

it('learns a limit from the first response, and that it was seen for the first time', () => {
  const { limits, changes } = learn([], [reading(1_000, { limit: 60, remaining: 59, resetMs: 1_000 })])
  expect(limits).toEqual([
    {
      ...KEY,
      limit: 60,
      periodMs: 60_000,
      periodConfidence: 1,
      remaining: 59,
      resetAtMs: 2_000,
      firstSeenAtMs: 1_000,
      lastSeenAtMs: 1_000,
      changes: 0,
    },
  ])
  expect(changes).toEqual([{ ...KEY, newLimit: 60, changedAtMs: 1_000 }])
})

it('keeps the newest of several responses, and every change of the limit among them', () => {
  const { limits, changes } = learn(
    [],
    [reading(3, { limit: 20, remaining: 8 }), reading(1, { limit: 10, remaining: 9 }), reading(2, { limit: 20 })],
  )
  expect(limits).toMatchObject([{ limit: 20, remaining: 8, firstSeenAtMs: 1, lastSeenAtMs: 3, changes: 1 }])
  expect(changes).toEqual([
    { ...KEY, newLimit: 10, changedAtMs: 1 },
    { ...KEY, oldLimit: 10, newLimit: 20, changedAtMs: 2 },
  ])
})

it('learns nothing from a response that is older than the known limit, or the same', () => {
  const { limits: known } = learn([], [reading(5, { limit: 20, remaining: 3 })])
  const late = [reading(4, { limit: 10, remaining: 9 }), reading(5, { limit: 20, remaining: 3 })]
  expect(learn(known, late)).toEqual({ limits: [], changes: [] })
})

it('keeps limit and period if a newer response does not report them, but not the remaining amount', () => {
  const { limits: known } = learn([], [reading(1, { limit: 60, remaining: 59, resetMs: 1_000 })])
  const { limits, changes } = learn(known, [reading(2, {})])
  const period = { periodMs: 60_000, periodConfidence: 1 }
  expect(limits).toEqual([{ ...KEY, limit: 60, ...period, firstSeenAtMs: 1, lastSeenAtMs: 2, changes: 0 }])
  expect(changes).toEqual([])
})

it('knows no limit from responses that report none', () => {
  expect(learn([], [reading(1, { remaining: 7 })])).toEqual({ limits: [], changes: [] })
})

it('takes the period that the provider documents over the one inferred', () => {
  const documented = reading(1, { limit: 60, remaining: 59, resetMs: 1_000, periodMs: 86_400_000 })
  expect(learn([], [documented]).limits).toMatchObject([{ periodMs: 86_400_000 }])
})

it('keeps a period that one response contradicts, also when that response has another limit', () => {
  const minute = { limit: 60, remaining: 59, resetMs: 1_000 }
  const hour = { limit: 120, remaining: 60, resetMs: 1_800_000 }
  const periodAfter = (readings: LimitReading[]) => learn([], readings).limits[0]?.periodMs
  const known = [reading(1, minute), reading(2, minute), reading(3, minute)]
  expect(periodAfter([...known, reading(4, hour)])).toBe(60_000)
  expect(periodAfter([...known, reading(4, hour), reading(5, minute)])).toBe(60_000)
  expect(periodAfter([...known, reading(4, hour), reading(5, hour)])).toBe(3_600_000)
})

it('keeps connections, models and dimensions apart', () => {
  const others = [{ connectionId: 'other' }, { model: 'other' }, { dimension: 'other' }]
  const { limits } = learn([], [reading(1, { limit: 1 }), ...others.map((key) => reading(1, { limit: 2, ...key }))])
  expect(limits.map(({ limit }) => limit).sort()).toEqual([1, 2, 2, 2])
})

it('comes to the same whatever the order, the batches and the repetitions', () => {
  const responses = fc.uniqueArray(fc.record({ seenAtMs: fc.nat(1_000), limit: fc.constantFrom(1, 2, 3) }), {
    selector: ({ seenAtMs }) => seenAtMs,
    minLength: 1,
  })
  fc.assert(
    fc.property(responses, fc.func(fc.integer()), (given, order) => {
      const readings = given.map(({ seenAtMs, limit }) => reading(seenAtMs, { limit, remaining: seenAtMs }))
      const inOrder = learn([], readings)
      expect(
        learn(
          [],
          [...readings, ...readings].sort((a, b) => order(a) - order(b)),
        ),
      ).toEqual(inOrder)
      const newest = Math.max(...given.map(({ seenAtMs }) => seenAtMs))
      let known = learn([], []).limits
      for (const one of readings) {
        const { limits } = learn(known, [one])
        if (limits.length > 0) known = limits
      }
      expect(known).toMatchObject([{ lastSeenAtMs: newest, remaining: newest }])
    }),
  )
})

const KEY = { connectionId: 'c', model: 'm', dimension: 'requests' }

function reading(seenAtMs: number, given: Partial<LimitReading>): LimitReading {
  return { ...KEY, seenAtMs, ...given }
}
