import { PERMIT_MAX_AGE_MS } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { acquireAt } from '../../test/acquire-at.ts'
import type { Limits } from '../record/limits.ts'
import { type CapacityRecord, emptyRecord } from '../record/record.ts'
import { settle } from './settle.ts'

const T0 = Date.UTC(2026, 0, 1)
const tenAMinute: Limits = [{ period: 'minute', metric: 'requests', limit: 10 }]
const one = { requests: 1, tokens: 0 }

function grant(record: CapacityRecord, limits: Limits, cost: { requests: number; tokens: number }, atMs: number) {
  const result = acquireAt(record, { configured: limits }, 'm', cost, atMs)
  if (result.status !== 'granted') throw new Error(`denied: ${JSON.stringify(result)}`)
  return result.record
}

function fill(limits: Limits, count: number, atMs: number): CapacityRecord {
  let record = emptyRecord()
  for (let i = 0; i < count; i++) record = grant(record, limits, one, atMs)
  return record
}

it('admits up to the limit and names it in the denial', () => {
  const full = fill(tenAMinute, 10, T0)
  expect(acquireAt(full, { configured: tenAMinute }, 'm', one, T0)).toEqual({
    status: 'denied',
    code: 'capacity_exceeded',
    period: 'minute',
    metric: 'requests',
    limit: 10,
    retryAfterMs: 61_000,
  })
})

it('double limit across a window edge: bursts just before and just after share one limit', () => {
  const justBefore = fill(tenAMinute, 10, T0 + 59_999)
  expect(acquireAt(justBefore, { configured: tenAMinute }, 'm', one, T0 + 60_000).status).toBe('denied')
  expect(acquireAt(justBefore, { configured: tenAMinute }, 'm', one, T0 + 59_999 + 60_000).status).toBe('denied')
})

it('counts a charge for at least half a second beyond its period, however late in its slot it was made', () => {
  expect(PERMIT_MAX_AGE_MS).toBeLessThanOrEqual(250)
  for (let offsetMs = 0; offsetMs < 1_000; offsetMs++) {
    const full = fill(tenAMinute, 10, T0 + offsetMs)
    const stillCounts = T0 + offsetMs + 60_500
    expect(acquireAt(full, { configured: tenAMinute }, 'm', one, stillCounts).status).toBe('denied')
  }
})

it('counter without expiry that locks a connection out: an untouched window is empty again after its period', () => {
  const full = fill(tenAMinute, 10, T0)
  expect(acquireAt(full, { configured: tenAMinute }, 'm', { requests: 10, tokens: 0 }, T0 + 61_000).status).toBe(
    'granted',
  )
  expect(acquireAt(full, { configured: tenAMinute }, 'm', one, T0 + 365 * 86_400_000).status).toBe('granted')
})

it('refused request that still consumes: a denial leaves the record as it was', () => {
  const full = fill(tenAMinute, 10, T0)
  const before = structuredClone(full)
  for (let i = 0; i < 1_000; i++)
    expect(acquireAt(full, { configured: tenAMinute }, 'm', one, T0 + 1).status).toBe('denied')
  expect(full).toEqual(before)
})

it('charges a cost to every window or to none', () => {
  const limits: Limits = [
    { period: 'minute', metric: 'requests', limit: 100 },
    { period: 'day', metric: 'tokens', limit: 50 },
  ]
  const record = grant(emptyRecord(), limits, { requests: 1, tokens: 50 }, T0)
  expect(acquireAt(record, { configured: limits }, 'm', { requests: 1, tokens: 1 }, T0)).toMatchObject({
    period: 'day',
    metric: 'tokens',
  })
  const onlyRequests: Limits = [{ period: 'minute', metric: 'requests', limit: 2 }]
  expect(acquireAt(record, { configured: onlyRequests }, 'm', one, T0).status).toBe('granted')
})

it('refuses a cost that exceeds an empty window, and says by how much', () => {
  const limits: Limits = [{ period: 'hour', metric: 'tokens', limit: 1_000 }]
  expect(acquireAt(emptyRecord(), { configured: limits }, 'm', { requests: 1, tokens: 1_250 }, T0)).toEqual({
    status: 'denied',
    code: 'request_exceeds_capacity',
    period: 'hour',
    metric: 'tokens',
    limit: 1_000,
    excess: 250,
  })
})

it('names the limit that takes longest to free up', () => {
  const limits: Limits = [
    { period: 'minute', metric: 'requests', limit: 1 },
    { period: 'hour', metric: 'requests', limit: 1 },
  ]
  const full = fill(limits, 1, T0)
  expect(acquireAt(full, { configured: limits }, 'm', one, T0)).toMatchObject({
    period: 'hour',
    retryAfterMs: 61 * 60_000,
  })
})

it('denies a model during its cool-down for exactly as long as the provider requested, and no other model', () => {
  const cooling = settle(grant(emptyRecord(), [], one, T0), {
    chargedAtMs: T0,
    reserved: one,
    actual: one,
    coolDown: { model: 'slow', durationMs: 7_000 },
  })
  expect(acquireAt(cooling, { configured: [] }, 'slow', one, T0)).toEqual({
    status: 'denied',
    code: 'upstream_cool_down',
    model: 'slow',
    retryAfterMs: 7_000,
  })
  expect(acquireAt(cooling, { configured: [] }, 'fast', one, T0).status).toBe('granted')
  expect(acquireAt(cooling, { configured: [] }, 'slow', one, T0 + 6_999).status).toBe('denied')
  expect(acquireAt(cooling, { configured: [] }, 'slow', one, T0 + 7_000).status).toBe('granted')
})

it('applies a limit to use from before it was set', () => {
  const unlimited = fill([], 10, T0)
  expect(acquireAt(unlimited, { configured: tenAMinute }, 'm', one, T0).status).toBe('denied')
})

it('returns the wait by the clock of the deciding instance, even if that is behind', () => {
  const full = fill(tenAMinute, 10, T0 + 30_000)
  const denied = acquireAt(full, { configured: tenAMinute }, 'm', one, T0)
  expect(denied).toMatchObject({ code: 'capacity_exceeded', retryAfterMs: 91_000 })
})
