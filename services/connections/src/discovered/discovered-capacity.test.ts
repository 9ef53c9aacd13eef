import type { DiscoveredLimit } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { capacityFrom, driftOf } from './discovered-capacity.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

function change(model: string, dimension: string, limit: number, periodMs?: number): DiscoveredLimit {
  const seen = { firstSeenAtMs: 1, lastSeenAtMs: 1, changes: 0 }
  return { model, dimension, limit, ...(periodMs === undefined ? {} : { periodMs }), ...seen }
}

const DISCOVERED = [
  change('large', 'requests', 60, MINUTE_MS),
  change('large', 'tokens', 30_000, MINUTE_MS),
  change('large', 'input-images', 5, MINUTE_MS),
  change('small', 'requests', 500, MINUTE_MS),
  change('small', 'tokens', 20_000, MINUTE_MS),
  change('small', 'requests-per-day', 10_000, DAY_MS),
  change('odd', 'requests', 1),
]

it('takes the smallest limit over the models for each period', () => {
  expect(capacityFrom([], DISCOVERED)).toEqual([
    { period: 'minute', requests: 60, tokens: 20_000 },
    { period: 'day', requests: 10_000 },
  ])
})

it('takes the limits of one model if it is named', () => {
  expect(capacityFrom([], DISCOVERED, 'large')).toEqual([{ period: 'minute', requests: 60, tokens: 30_000 }])
  expect(capacityFrom([], DISCOVERED, 'odd')).toBeUndefined()
  expect(capacityFrom([], DISCOVERED, 'unknown')).toBeUndefined()
})

it('keeps limits that were not discovered, and does not enable disabled ones', () => {
  const capacity = [
    { period: 'hour' as const, requests: 7 },
    { period: 'minute' as const, requests: 5, enabled: false },
    { period: 'day' as const, tokens: 9 },
  ]
  expect(capacityFrom(capacity, DISCOVERED, 'small')).toEqual([
    { period: 'minute', requests: 500, tokens: 20_000 },
    { period: 'hour', requests: 7 },
    { period: 'day', requests: 10_000, tokens: 9 },
  ])
})

it('returns where the configured limits are above the discovered ones of each model', () => {
  const capacity = [
    { period: 'minute' as const, requests: 100, tokens: 20_000 },
    { period: 'day' as const, requests: 10_001, enabled: false },
  ]
  expect(driftOf(capacity, DISCOVERED)).toEqual([
    { model: 'large', dimension: 'requests', period: 'minute', configured: 100, discovered: 60 },
  ])
  expect(driftOf([], DISCOVERED)).toEqual([])
})

it('compares limits of input and output tokens separately', () => {
  const discovered = [
    change('claude-sonnet-4-6', 'requests', 1_000, MINUTE_MS),
    change('claude-sonnet-4-6', 'input-tokens', 40_000, MINUTE_MS),
    change('claude-sonnet-4-6', 'output-tokens', 8_000, MINUTE_MS),
    change('claude-haiku-4-5', 'input-tokens', 50_000, MINUTE_MS),
    change('claude-haiku-4-5', 'output-tokens', 7_000, MINUTE_MS),
  ]
  const capacity = [{ period: 'minute' as const, tokens: 60_000, inputTokens: 45_000 }]
  expect(capacityFrom(capacity, discovered)).toEqual([
    { period: 'minute', requests: 1_000, tokens: 60_000, inputTokens: 40_000, outputTokens: 7_000 },
  ])
  expect(driftOf(capacity, discovered)).toEqual([
    { model: 'claude-sonnet-4-6', dimension: 'input-tokens', period: 'minute', configured: 45_000, discovered: 40_000 },
    { ...BOTH, model: 'claude-sonnet-4-6', configured: 60_000, discovered: 48_000 },
    { ...BOTH, model: 'claude-haiku-4-5', configured: 60_000, discovered: 57_000 },
  ])
})

const BOTH = { dimension: 'input-tokens + output-tokens', period: 'minute' }

it('compares all tokens with input and output together, and a part with a limit on all tokens', () => {
  const parts = [change('m', 'input-tokens', 40_000, MINUTE_MS), change('m', 'output-tokens', 8_000, MINUTE_MS)]
  const tokens = [{ period: 'minute' as const, tokens: 48_001 }]
  expect(driftOf(tokens, parts)).toEqual([{ ...BOTH, model: 'm', configured: 48_001, discovered: 48_000 }])
  expect(driftOf([{ period: 'minute', tokens: 48_000 }], parts)).toEqual([])
  expect(driftOf(tokens, parts.slice(1))).toEqual([])
  expect(driftOf(tokens, [...parts, change('m', 'tokens', 90_000, MINUTE_MS)])).toEqual([])

  const whole = [change('m', 'tokens', 30_000, MINUTE_MS)]
  const apart = [{ period: 'minute' as const, inputTokens: 30_001, outputTokens: 30_000 }]
  expect(driftOf(apart, whole)).toEqual([
    { model: 'm', dimension: 'tokens', period: 'minute', configured: 30_001, discovered: 30_000 },
  ])
})
