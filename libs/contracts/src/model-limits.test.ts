import { expect, it } from 'vitest'
import type { DiscoveredLimit } from './discovery.ts'
import { modelLimits } from './model-limits.ts'

const MINUTE_MS = 60_000
const base = { model: 'm', periodMs: MINUTE_MS, firstSeenAtMs: 1, lastSeenAtMs: 2, changes: 0 }

const reported = (dimension: string, limit: number, more: Partial<DiscoveredLimit> = {}): DiscoveredLimit => ({
  ...base,
  dimension,
  limit,
  ...more,
})

it('takes requests and tokens as they are, with what was said of them last', () => {
  expect(modelLimits([reported('requests', 60, { remaining: 7, resetAtMs: 9 }), reported('tokens', 1_000)])).toEqual([
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
    reported('requests-per-minute', 60),
    reported('requests', 50),
    reported('requests-per-day', 900, { periodMs: 86_400_000 }),
  ]
  expect(modelLimits(limits).map(({ period, limit }) => [period, limit])).toEqual([
    ['minute', 50],
    ['day', 900],
  ])
})

it('takes input and output tokens as limits of their own, each by itself and beside one of both', () => {
  const input = reported('input-tokens', 800, { remaining: 500, resetAtMs: 90, lastSeenAtMs: 5 })
  const output = reported('output-tokens', 200, { remaining: 20, resetAtMs: 70 })
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
  expect(modelLimits([reported('tokens', 700), input]).map(({ metric, limit }) => [metric, limit])).toEqual([
    ['tokens', 700],
    ['inputTokens', 800],
  ])
  expect(modelLimits([reported('input-tokens-per-minute', 700), input])).toMatchObject([
    { metric: 'inputTokens', limit: 700 },
  ])
})

it('leaves out what a capacity cannot express', () => {
  const { periodMs: _, ...unknownPeriod } = reported('requests', 60)
  const limits = [
    unknownPeriod,
    reported('requests', 60, { periodMs: 30_000 }),
    reported('requests', 0),
    reported('tokens', 1e13),
    reported('input-images', 5),
    reported('priority-tokens', 5),
  ]
  expect(modelLimits(limits)).toEqual([])
})
