import type { ResponseBatch, ResponseEvent } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RetentionStarts } from './granularity.ts'
import { rollUp as rollUpAt } from './rollup.ts'

const MINUTE_AT_MS = 1_764_000_000_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const NOW_MS = MINUTE_AT_MS + 10 * 60_000
/** 1,764,000,000,000 is a whole hour. */
const STARTS: RetentionStarts = {
  minute: MINUTE_AT_MS - HOUR_MS,
  hour: MINUTE_AT_MS - 10 * DAY_MS - (MINUTE_AT_MS % DAY_MS),
  day: Date.UTC(2024, 0, 1),
}
const rollUp = (batches: readonly ResponseBatch[]) => rollUpAt(batches, STARTS, NOW_MS)

it('adds up what shares minute, connection, model, API key and outcome', () => {
  const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 2, reasoningTokens: 1 }
  const rollups = rollUp([
    batch('c1', [
      event({ endedAtMs: MINUTE_AT_MS, usage }),
      event({ endedAtMs: MINUTE_AT_MS + 59_999, usage }),
      event({ endedAtMs: MINUTE_AT_MS + 60_000, usage }),
    ]),
    batch('c1', [event({ endedAtMs: MINUTE_AT_MS + 1, usage: { ...usage, cacheWriteInputTokens: 4 } })]),
  ])
  expect(rollups).toEqual([
    expect.objectContaining({
      granularity: 'minute',
      fromMs: MINUTE_AT_MS,
      connectionId: 'c1',
      requests: 3,
      inputTokens: 30,
      outputTokens: 15,
      cachedInputTokens: 6,
      cacheWriteInputTokens: 4,
      reasoningTokens: 3,
    }),
    expect.objectContaining({ fromMs: MINUTE_AT_MS + 60_000, requests: 1, inputTokens: 10 }),
  ])
})

it('keeps apart what differs in one of them', () => {
  const differing = [
    event({}),
    event({ model: 'other' }),
    event({ apiKeyId: 'other' }),
    event({ outcome: 'upstream_429' }),
    event({ outcome: 'denied', deniedBy: 'minute-requests' }),
    event({ outcome: 'denied', deniedBy: 'day-tokens' }),
  ]
  const rollups = rollUp([batch('c1', differing), batch('c2', [event({})])])
  expect(rollups).toHaveLength(7)
  expect(rollups.every(({ requests }) => requests === 1)).toBe(true)
})

it('counts an event of unknown usage as a request without tokens', () => {
  expect(rollUp([batch('c1', [event({})])])).toMatchObject([{ requests: 1, inputTokens: 0, outputTokens: 0 }])
})

it('counts an event of several requests as so many', () => {
  const denied = { outcome: 'denied' as const, deniedBy: 'minute-requests' }
  const rollups = rollUp([batch('c1', [event({ ...denied, requests: 7 }), event(denied), event({})])])
  expect(rollups).toMatchObject([
    { outcome: 'denied', requests: 8 },
    { outcome: 'success', requests: 1 },
  ])
})

it('counts an event of more tokens than anybody can use as a request without tokens', () => {
  const usage = { inputTokens: 1, outputTokens: 1e12, cachedInputTokens: 0, reasoningTokens: 0 }
  const most = [event({ usage }), event({ usage: { ...usage, outputTokens: 9e18 } })]
  expect(rollUp([batch('c1', most)])).toMatchObject([
    { requests: 2, unreadRequests: 1, inputTokens: 1, outputTokens: 1e12 },
  ])
})

it('makes names storable, so that two that are stored alike are one', () => {
  const rollups = rollUp([batch('c1', [event({ model: 'a\0' }), event({ model: 'a\ud800' })])])
  expect(rollups).toMatchObject([{ model: 'a\ufffd', requests: 2 }])
})

it('counts what comes late as finely as its time is kept, and what a wrong clock says as of now', () => {
  const late = [MINUTE_AT_MS, STARTS.minute - 1, STARTS.hour - 1, STARTS.day - 1, NOW_MS + HOUR_MS, 1e300]
  const rollups = rollUp([
    batch(
      'c1',
      late.map((endedAtMs) => event({ endedAtMs })),
    ),
  ])
  expect(rollups.map(({ granularity, fromMs, requests }) => [granularity, fromMs, requests])).toEqual([
    ['day', STARTS.hour - DAY_MS, 1],
    ['hour', STARTS.minute - HOUR_MS, 1],
    ['minute', MINUTE_AT_MS, 1],
    ['minute', NOW_MS, 3],
  ])
})

it('keeps the durations of those requests that have any', () => {
  const [rollup] = rollUp([
    batch('c1', [event({ upstreamMs: 1_000, timeToFirstByteMs: 100 }), event({ upstreamMs: 1_000 }), event({})]),
  ])
  expect(rollup).toMatchObject({ requests: 3, latency: new Map([[79, 2]]), timeToFirstToken: new Map([[53, 1]]) })
})

it('loses and doubles nothing, and is the same whatever the order', () => {
  const events = fc.array(
    fc.record({
      model: fc.constantFrom('a', 'b'),
      outcome: fc.constantFrom('success' as const, 'timeout' as const),
      endedAtMs: fc.integer({ min: MINUTE_AT_MS, max: MINUTE_AT_MS + 180_000 }),
      inputTokens: fc.nat(1_000),
    }),
  )
  fc.assert(
    fc.property(events, (given) => {
      const made = given.map(({ inputTokens, ...rest }) =>
        event({ ...rest, usage: { inputTokens, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 } }),
      )
      const rollups = rollUp([batch('c1', made)])
      expect(sum(rollups.map(({ requests }) => requests))).toBe(given.length)
      expect(sum(rollups.map(({ inputTokens }) => inputTokens))).toBe(sum(given.map(({ inputTokens }) => inputTokens)))
      expect(rollUp([batch('c1', made.toReversed())])).toEqual(rollups)
    }),
  )
})

function batch(connectionId: string, events: ResponseEvent[]): ResponseBatch {
  return { connectionId, provider: 'openai', gateway: 'g', batch: 1, events }
}

function event(given: Partial<ResponseEvent>): ResponseEvent {
  return {
    requestId: 'r',
    startedAtMs: MINUTE_AT_MS - 1_000,
    endedAtMs: MINUTE_AT_MS,
    apiKeyId: 'k',
    model: 'm',
    outcome: 'success',
    ...given,
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
