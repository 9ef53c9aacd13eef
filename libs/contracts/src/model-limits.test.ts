import { expect, it } from 'vitest'
import type { DiscoveredLimit } from './discovery.ts'
import { modelLimits } from './model-limits.ts'

const MINUTE_MS = 60_000
const base = { model: 'm', periodMs: MINUTE_MS, firstSeenAtMs: 1, lastSeenAtMs: 2, changes: 0 }

const told = (dimension: string, limit: number, more: Partial<DiscoveredLimit> = {}): DiscoveredLimit => ({
  ...base,
  dimension,
  limit,
  ...more,
})

it('takes requests and tokens as they are, with what was said of them last', () => {
  expect(modelLimits([told('requests', 60, { remaining: 7, resetAtMs: 9 }), told('tokens', 1_000)])).toEqual([
    {
      model: 'm',
      period: 'minute',
      metric: 'requests',
      limit: 60,
      dimension: 'requests',
      remaining: 7,
      resetAtMs: 9,
      seenAtMs: 2,
    },
    { model: 'm', period: 'minute', metric: 'tokens', limit: 1_000, dimension: 'tokens', seenAtMs: 2 },
  ])
})

it('knows words for a dimension that have the period in them, and keeps the lowest of one kind', () => {
  const limits = [
    told('requests-per-minute', 60),
    told('requests', 50),
    told('requests-per-day', 900, { periodMs: 86_400_000 }),
  ]
  expect(modelLimits(limits).map(({ period, limit }) => [period, limit])).toEqual([
    ['minute', 50],
    ['day', 900],
  ])
})

it('takes input and output tokens as limits of their own, each by itself and beside one of both', () => {
  const input = told('input-tokens', 800, { remaining: 500, resetAtMs: 90, lastSeenAtMs: 5 })
  const output = told('output-tokens', 200, { remaining: 20, resetAtMs: 70 })
  expect(modelLimits([output, input])).toEqual([
    {
      model: 'm',
      period: 'minute',
      metric: 'outputTokens',
      limit: 200,
      dimension: 'output-tokens',
      remaining: 20,
      resetAtMs: 70,
      seenAtMs: 2,
    },
    {
      model: 'm',
      period: 'minute',
      metric: 'inputTokens',
      limit: 800,
      dimension: 'input-tokens',
      remaining: 500,
      resetAtMs: 90,
      seenAtMs: 5,
    },
  ])
  expect(modelLimits([told('tokens', 700), input]).map(({ metric, limit }) => [metric, limit])).toEqual([
    ['tokens', 700],
    ['inputTokens', 800],
  ])
  expect(modelLimits([told('input-tokens-per-minute', 700), input])).toMatchObject([
    { metric: 'inputTokens', limit: 700 },
  ])
})

it('leaves out what a capacity cannot express', () => {
  const { periodMs: _, ...unknownPeriod } = told('requests', 60)
  const limits = [
    unknownPeriod,
    told('requests', 60, { periodMs: 30_000 }),
    told('requests', 0),
    told('tokens', 1e13),
    told('input-images', 5),
    told('priority-tokens', 5),
  ]
  expect(modelLimits(limits)).toEqual([])
})
