import { expect, it } from 'vitest'
import type { PriceList } from '../prices/price-list.ts'
import { type CountCell, usagePoints } from './usage-points.ts'

const PRICES: PriceList = {
  asOf: '2026-01-31',
  providers: {
    openai: { source: 'https://example.com', models: { cheap: { input: 1, cacheWriteInput: 3, output: 2 } } },
  },
}

it('adds the cells of a point up, errors and denials by class', () => {
  const counts = [
    cell({
      outcome: 'success',
      requests: 5,
      inputTokens: 10,
      outputTokens: 20,
      cacheWriteInputTokens: 3,
      unreadRequests: 2,
    }),
    cell({ model: 'other', outcome: 'success', requests: 1, inputTokens: 7 }),
    cell({ outcome: 'denied', deniedBy: 'minute-requests', requests: 2 }),
    cell({ outcome: 'denied', deniedBy: 'upstream_cool_down', requests: 3 }),
    cell({ fromMs: 60_000, outcome: 'upstream_429', requests: 4 }),
  ]
  const points = usagePoints({ stepMs: 60_000, counts, histograms: [] }, PRICES)
  expect(points).toEqual([
    {
      fromMs: 0,
      requests: 11,
      inputTokens: 17,
      outputTokens: 20,
      cachedInputTokens: 0,
      cacheWriteInputTokens: 3,
      unreadRequests: 2,
      reasoningTokens: 0,
      outcomes: { success: 6, denied: 5 },
      deniedBy: { 'minute-requests': 2, upstream_cool_down: 3 },
      estimatedCostUsd: 0.000056,
      unpricedTokens: 7,
    },
    expect.objectContaining({ fromMs: 60_000, requests: 4, outcomes: { upstream_429: 4 }, deniedBy: {} }),
  ])
  expect(points[1]).not.toHaveProperty('estimatedCostUsd')
  expect(points[1]).not.toHaveProperty('unreadRequests')
})

it('says what was written to the cache, at its own price, where anything was', () => {
  const counts = [
    cell({ inputTokens: 10, cacheWriteInputTokens: 4 }),
    cell({ model: 'other', inputTokens: 10, cacheWriteInputTokens: 1 }),
    cell({ fromMs: 60_000, inputTokens: 10 }),
  ]
  const [first, second] = usagePoints({ stepMs: 60_000, counts, histograms: [] }, PRICES)
  expect(first).toMatchObject({ inputTokens: 20, cacheWriteInputTokens: 5 })
  expect(first?.estimatedCostUsd).toBeCloseTo(18 / 1_000_000, 12)
  expect(second).not.toHaveProperty('cacheWriteInputTokens')
})

it('gives each point the percentiles of its own histograms, and none where nothing was sent', () => {
  const counts = [cell({ group: 'a' }), cell({ group: 'b' })]
  const histogram = {
    fromMs: 0,
    group: 'a',
    latency: new Map([
      [8, 90],
      [16, 10],
    ]),
    timeToFirstToken: new Map(),
  }
  const [a, b] = usagePoints({ stepMs: 60_000, counts, histograms: [histogram] }, PRICES)
  expect(a?.latencyMs).toMatchObject({
    p50: 2 ** (8.5 / 8),
    p90: 2 ** (8.5 / 8),
    p95: 2 ** (16.5 / 8),
    p99: 2 ** (16.5 / 8),
  })
  expect(a).not.toHaveProperty('timeToFirstTokenMs')
  expect(b).not.toHaveProperty('latencyMs')
})

function cell(given: Partial<CountCell>): CountCell {
  return {
    fromMs: 0,
    group: undefined,
    provider: 'openai',
    model: 'cheap',
    outcome: 'success',
    deniedBy: '',
    requests: 1,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    unreadRequests: 0,
    reasoningTokens: 0,
    ...given,
  }
}
