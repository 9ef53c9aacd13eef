import { expect, it } from 'vitest'
import { acquireAt, enforcing, one, reportedLimit, T0 } from '../../test/acquire-at.ts'
import { settle } from '../decide/settle.ts'
import type { EnforcedLimits } from './limits.ts'
import { joinSpans, makeUpFor, spanOf } from './lost-charges.ts'
import { advance, type CapacityRecord, emptyRecord } from './record.ts'
import { statusOf } from './status.ts'

const minute = { period: 'minute', metric: 'requests', limit: 10 } as const
const hour = { period: 'hour', metric: 'requests', limit: 100 } as const
const day = { period: 'day', metric: 'tokens', limit: 5_000 } as const
const span = { fromMs: T0 - 30_000, untilMs: T0 }
const now = advance(emptyRecord(), T0)

function usedOf(record: CapacityRecord, limits: EnforcedLimits): number[] {
  return statusOf('c', record, limits).windows.map(({ used }) => used)
}

it('counts as used what shorter limits let through in the span, and the whole rest of the shortest limit', () => {
  const limits = { configured: [minute, hour, day] }
  const charged = acquireAt(now, limits, 'm', { requests: 3, tokens: 7 }, T0)
  if (charged.status !== 'granted') throw new Error('it fits')
  const record = makeUpFor(charged.record, limits, span)
  expect(usedOf(record, limits)).toEqual([10, 13, 5_000])
  expect(statusOf('c', record, limits).assumed).toMatchObject([
    { period: 'minute', metric: 'requests', amount: 7 },
    { period: 'hour', metric: 'requests', amount: 10 },
    { period: 'day', metric: 'tokens', amount: 4_993 },
  ])
})

it('admits again when the span has slid out, and no longer shows it', () => {
  const limits = { configured: [minute] }
  const record = makeUpFor(now, limits, span)
  const denied = acquireAt(record, limits, 'm', one, T0)
  expect(denied).toMatchObject({ code: 'capacity_exceeded' })
  if (denied.status !== 'denied' || !('retryAfterMs' in denied)) throw new Error('it is denied for a time')
  const laterMs = T0 + denied.retryAfterMs
  expect(acquireAt(record, limits, 'm', one, laterMs).status).toBe('granted')
  expect(statusOf('c', advance(record, laterMs), limits).assumed).toBeUndefined()
})

it('makes up for a loss once, and for a later one again', () => {
  const limits = { configured: [minute] }
  const record = makeUpFor(now, limits, span)
  expect(makeUpFor(record, limits, span)).toBe(record)
  const later = advance(record, T0 + 90_000)
  expect(makeUpFor(later, limits, span)).toBe(later)
  const again = makeUpFor(later, limits, { fromMs: T0 + 80_000, untilMs: T0 + 90_000 })
  expect(usedOf(again, limits)).toEqual([10])
})

it('counts nothing for a span so old that no window contains it', () => {
  const muchLater = advance(emptyRecord(), T0 + 90_000_000)
  expect(makeUpFor(muchLater, { configured: [minute, hour, day] }, span)).toBe(muchLater)
})

it('takes the refund of a charge that was lost from what is assumed', () => {
  const limits = { configured: [minute] }
  const record = makeUpFor(now, limits, span)
  const lost = { chargedAtMs: T0, reserved: one, actual: { requests: 0, tokens: 0 } }
  expect(usedOf(settle(record, lost), limits)).toEqual([9])
})

it('counts as used what a model may have used of its discovered limit', () => {
  const limits = enforcing(reportedLimit(4))
  const record = makeUpFor(now, limits, span)
  expect(acquireAt(record, limits, 'm', one, T0)).toMatchObject({ code: 'capacity_exceeded', model: 'm' })
  expect(acquireAt(record, limits, 'other', one, T0).status).toBe('granted')
})

it('a lost span affects a record only after its own clock', () => {
  expect(spanOf(span, 'c', T0 - 90_000)).toEqual(span)
  expect(spanOf(span, 'c', T0 - 10_000)).toEqual({ fromMs: T0 - 10_000, untilMs: T0 })
  expect(spanOf(span, 'c', T0 + 1)).toBeUndefined()
})

it('a lost span affects the whole day of a missing record when whole records may be missing', () => {
  expect(spanOf(span, 'c', undefined)).toBeUndefined()
  const vanished = { ...span, vanished: true as const }
  expect(spanOf(vanished, 'c', undefined)).toEqual({ fromMs: T0 - 86_400_000, untilMs: T0 })
  expect(spanOf(vanished, 'c', T0 - 90_000)).toEqual(span)
})

it('joins two losses into the span that covers both', () => {
  const other = { fromMs: T0 - 40_000, untilMs: T0 - 35_000 }
  expect(joinSpans(span, other)).toEqual({ fromMs: T0 - 40_000, untilMs: T0 })
  expect(joinSpans({ ...other, vanished: true }, span)).toEqual({ fromMs: T0 - 40_000, untilMs: T0, vanished: true })
  expect(joinSpans(undefined, span)).toBe(span)
})

it('assumes the rest of its own limit for input and output each, and no token twice', () => {
  const limits: EnforcedLimits = {
    configured: [
      { period: 'minute', metric: 'tokens', limit: 100 },
      { period: 'minute', metric: 'inputTokens', limit: 80 },
      { period: 'hour', metric: 'outputTokens', limit: 50 },
    ],
  }
  const cost = { requests: 1, tokens: 30, inputTokens: 20, outputTokens: 10 }
  const charged = acquireAt(now, limits, 'm', cost, T0)
  if (charged.status !== 'granted') throw new Error('it fits')
  const record = makeUpFor(charged.record, limits, span)
  expect(usedOf(record, limits)).toEqual([100, 80, 50])
  expect(statusOf('c', record, limits).assumed).toMatchObject([
    { metric: 'tokens', amount: 70 },
    { metric: 'inputTokens', amount: 60 },
    { period: 'hour', metric: 'outputTokens', amount: 40 },
  ])
})
