import { type Cost, type ModelLimit, PERIOD_MS } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acquireAt, enforcing, fill, grant, one, reportedLimit, requestAt, T0 } from '../../test/acquire-at.ts'
import { reconcileModel } from '../decide/acquire.ts'
import { settle } from '../decide/settle.ts'
import { advance, type CapacityRecord, emptyRecord } from './record.ts'
import { statusOf } from './status.ts'

const elsewhere = reportedLimit(60, { remaining: 20, seenAtMs: T0 + 10_000, resetAtMs: T0 + 40_000 })

it('holds an account that others use too to what the provider says remains, until it resets', () => {
  const ours = grant(emptyRecord(), enforcing(reportedLimit(60)), 5, T0)
  const lowered = fill(ours, enforcing(elsewhere), T0 + 10_000)
  expect(lowered).toMatchObject({ granted: 20, denied: { limit: 60, model: 'm', retryAfterMs: 30_000 } })
  expect(acquireAt(lowered.record, enforcing(elsewhere), 'm', one, T0 + 39_999).status).toBe('denied')
  expect(fill(lowered.record, enforcing(elsewhere), T0 + 40_000).granted).toBe(60 - 25)
})

it('subtracts what was admitted since the response arrived', () => {
  const ours = grant(emptyRecord(), enforcing(reportedLimit(60)), 5, T0)
  const since = grant(ours, enforcing(reportedLimit(60)), 8, T0 + 12_000)
  expect(fill(since, enforcing(elsewhere), T0 + 13_000).granted).toBe(12)
})

it('reconciles a response once: it is not worth more when what was admitted since has slid out', () => {
  const day = { period: 'day', remaining: 20, seenAtMs: T0, resetAtMs: T0 + 50_000_000 } as const
  const lowered = fill(emptyRecord(), enforcing(reportedLimit(1_000, day)), T0)
  expect(lowered.granted).toBe(20)
  expect(fill(lowered.record, enforcing(reportedLimit(1_000, day)), T0 + 49_000_000).granted).toBe(0)
  expect(fill(lowered.record, enforcing(reportedLimit(1_000, day)), T0 + 50_000_000).granted).toBe(980)
})

it('follows the latest response, down and up again', () => {
  const ours = grant(emptyRecord(), enforcing(reportedLimit(60)), 5, T0)
  const lowered = fill(ours, enforcing(elsewhere), T0 + 10_000).record
  const lower = fill(lowered, enforcing({ ...elsewhere, seenAtMs: T0 + 12_000, remaining: 3 }), T0 + 12_000)
  expect(lower.granted).toBe(3)
  const older = { ...elsewhere, seenAtMs: T0 + 11_000, remaining: 15 }
  expect(fill(lower.record, enforcing(older), T0 + 12_000).granted).toBe(0)
  const alone = { ...elsewhere, seenAtMs: T0 + 14_000, remaining: 60 - 28 }
  expect(fill(lower.record, enforcing(alone), T0 + 14_000).granted).toBe(60 - 28)
})

it('follows the latest response also when its reset has passed before the next acquire', () => {
  const lowered = fill(emptyRecord(), enforcing(elsewhere), T0 + 10_000).record
  const reset = { ...elsewhere, seenAtMs: T0 + 12_000, remaining: 0, resetAtMs: T0 + 12_001 }
  expect(fill(lowered, enforcing(reset), T0 + 13_000).granted).toBe(60 - 20)
})

it('follows the latest response also when it is no longer fresh, once its reset has passed', () => {
  const hour = { period: 'hour', remaining: 20, resetAtMs: T0 + 3_000_000 } as const
  const lowered = fill(emptyRecord(), enforcing(reportedLimit(60, hour)), T0).record
  const reset = reportedLimit(60, { ...hour, seenAtMs: T0 + 10_000, resetAtMs: T0 + 60_000 })
  expect(fill(lowered, enforcing(reset), T0 + 400_000).granted).toBe(60 - 20)
})

it('knows of an hour what was admitted since, to the second in the last minute and by the minute before', () => {
  const hour = enforcing(reportedLimit(60, { period: 'hour' }))
  const response = enforcing(reportedLimit(60, { period: 'hour', remaining: 20, seenAtMs: T0 + 5_000 }))
  const soon = grant(emptyRecord(), hour, 4, T0 + 10_000)
  expect(fill(soon, response, T0 + 20_000).granted).toBe(20 - 4)
  const late = grant(grant(emptyRecord(), hour, 4, T0 + 70_000), hour, 3, T0 + 130_000)
  expect(fill(late, response, T0 + 150_000).granted).toBe(20 - 7)
})

it('ignores a response from a clock that is far ahead', () => {
  const ahead = enforcing(reportedLimit(60, { remaining: 20, seenAtMs: T0 + 5_001 }))
  expect(fill(emptyRecord(), ahead, T0).granted).toBe(60)
  expect(fill(emptyRecord(), ahead, T0 + 1).granted).toBe(20)
})

it('lowers nothing when only we have used it, however much is under way', () => {
  const ours = grant(emptyRecord(), enforcing(reportedLimit(60)), 40, T0)
  const response = reportedLimit(60, { remaining: 30, seenAtMs: T0 + 100, resetAtMs: T0 + 60_000 })
  expect(fill(ours, enforcing(response), T0 + 200).granted).toBe(20)
})

it('gives back what never reached the provider', () => {
  const lowered = fill(emptyRecord(), enforcing(elsewhere), T0 + 12_000)
  expect(lowered.granted).toBe(20)
  const unsent = { chargedAtMs: T0 + 12_000, reserved: one, actual: { requests: 0, tokens: 0 }, model: 'm' }
  expect(fill(settle(lowered.record, unsent), enforcing(elsewhere), T0 + 13_000).granted).toBe(1)
})

it('adds back no refund of a charge that was never subtracted: a late response counts from when it was seen', () => {
  const tokens = { period: 'hour', metric: 'tokens' } as const
  const reserved = { requests: 1, tokens: 10_000 }
  const granted = acquireAt(emptyRecord(), enforcing(reportedLimit(100_000, tokens)), 'm', reserved, T0 + 90_000)
  if (granted.status === 'denied') throw new Error('the window is empty')
  const late = enforcing(reportedLimit(100_000, { ...tokens, remaining: 20_000, seenAtMs: T0 + 70_000 }))
  const reconciled = reconcileModel(advance(granted.record, T0 + 200_000), late, 'm')
  const actual = { requests: 1, tokens: 100 }
  const settled = settle(reconciled, { chargedAtMs: granted.chargedAtMs, reserved, actual, model: 'm' })
  expect(acquireAt(settled, late, 'm', { requests: 1, tokens: 20_001 }, T0 + 200_000).status).toBe('denied')
  expect(acquireAt(settled, late, 'm', { requests: 1, tokens: 20_000 }, T0 + 200_000).status).toBe('granted')
})

it('says that all of it is free again when the limit resets', () => {
  const lowered = reconcileModel(advance(emptyRecord(), T0 + 10_000), enforcing(elsewhere), 'm')
  const { models } = statusOf('c', lowered, enforcing(elsewhere))
  expect(models).toMatchObject([{ used: 0, remaining: 20, resetMs: 30_000 }])
})

const anyLimit = fc.record({
  period: fc.constantFrom('minute' as const, 'hour' as const, 'day' as const),
  metric: fc.constantFrom('requests' as const, 'tokens' as const),
})
const anySpanMs = fc.oneof(fc.nat(1_500), fc.nat(10_000), fc.nat(400_000), fc.nat(9_000_000))
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('acquire' as const), tokens: fc.nat(30) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.nat(50), used: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: anySpanMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('response' as const),
      remaining: fc.nat(60),
      seenBeforeMs: fc.oneof(anySpanMs, fc.integer({ min: -6_000, max: 0 })),
      resetAfterMs: fc.option(anySpanMs, { nil: undefined }),
    }),
  },
)

it('never admits more than a response said remains, net of refunds, until its reset', () => {
  fc.assert(
    fc.property(anyLimit, fc.array(step, { minLength: 4, maxLength: 60 }), ({ period, metric }, steps) => {
      let limit = reportedLimit(100, { period, metric })
      let record = emptyRecord()
      let nowMs = T0 + 86_400_000
      const charges: { readonly atMs: number; cost: Cost; readonly order: number }[] = []
      const open: typeof charges = []
      let reconciled: { readonly response: ModelLimit; readonly order: number; readonly endsAtMs: number } | undefined
      for (const [order, each] of steps.entries()) {
        if (each.kind === 'clock') nowMs += each.byMs
        if (each.kind === 'response') {
          const { remaining, seenBeforeMs, resetAfterMs } = each
          const reset = resetAfterMs === undefined ? {} : { resetAtMs: nowMs + resetAfterMs }
          limit = reportedLimit(100, { period, metric, remaining, seenAtMs: nowMs - seenBeforeMs, ...reset })
        }
        record = advance(record, nowMs)
        if (each.kind === 'settle') {
          const [permit] = open.splice(each.which % Math.max(1, open.length), 1)
          if (permit === undefined) continue
          const { cost: reserved, atMs: chargedAtMs } = permit
          permit.cost = { requests: each.used === 0 ? 0 : 1, tokens: each.used }
          record = settle(record, { chargedAtMs, reserved, actual: permit.cost, model: 'm' })
        }
        if (each.kind !== 'acquire') continue
        const before = loweredBy(record, limit)
        record = reconcileModel(record, enforcing(limit), 'm')
        const after = loweredBy(record, limit)
        if (after === undefined) reconciled = undefined
        else if (after.seenAtMs !== before?.seenAtMs) reconciled = { response: limit, order, endsAtMs: after.endsAtMs }
        const cost = { requests: 1, tokens: each.tokens }
        const result = acquireAt(record, enforcing(limit), 'm', cost, nowMs)
        if (result.status === 'denied') continue
        record = result.record
        const charge = { atMs: nowMs, cost, order }
        charges.push(charge)
        open.push(charge)
        if (reconciled === undefined) continue
        const { response, order: reconciledAt } = reconciled
        const since = charges.filter((other) => other.order >= reconciledAt)
        const used = since.reduce((sum, other) => sum + other.cost[metric], 0)
        expect(nowMs).toBeLessThan(reconciled.endsAtMs)
        expect(used).toBeLessThanOrEqual(response.remaining ?? 0)
      }
    }),
    { numRuns: 2_000 },
  )
})

it('reconciles no response after a later one, whether or not that one’s reset has passed', () => {
  const response = fc.record({ remaining: fc.nat(100), resetAfterMs: fc.integer({ min: -10_000, max: 90_000 }) })
  fc.assert(
    fc.property(
      anyLimit,
      response,
      response,
      fc.nat(20_000),
      fc.array(anySpanMs),
      (limit, late, early, apart, spans) => {
        const at = ({ remaining, resetAfterMs }: typeof late, seenAtMs: number) =>
          enforcing(reportedLimit(100, { ...limit, remaining, seenAtMs, resetAtMs: seenAtMs + resetAfterMs }))
        const later = at(late, T0)
        const earlier = at(early, T0 - apart)
        let record = reconcileModel(advance(emptyRecord(), T0), later, 'm')
        let nowMs = T0
        for (const spanMs of spans) {
          nowMs += spanMs
          record = advance(record, nowMs)
          expect(reconcileModel(record, earlier, 'm')).toBe(record)
        }
        expect(advance(record, T0 + 2 * PERIOD_MS.day).models.size).toBe(0)
      },
    ),
    { numRuns: 1_000 },
  )
})

function loweredBy(record: CapacityRecord, { period, metric }: ModelLimit) {
  const observedBudget = record.models.get('m')?.observedBudgets.get(`${period}-${metric}`)
  return observedBudget?.lowered && { seenAtMs: observedBudget.seenAtMs, endsAtMs: observedBudget.lowered.endsAtMs }
}

it('compares what the provider says remains of input with what it counts of it, not with what was used', () => {
  const limits = (remaining?: number) => {
    const input = {
      metric: 'inputTokens',
      dimension: 'input-tokens',
      seenAtMs: T0 + 1_000,
      resetAtMs: T0 + 40_000,
    } as const
    return enforcing(reportedLimit(40_000, { ...input, ...(remaining === undefined ? {} : { remaining }) }))
  }
  const cached = {
    model: 'm',
    requests: 1,
    tokens: 45_050,
    limited: { requests: 1, tokens: 450, inputTokens: 400, outputTokens: 50 },
  }
  const first = requestAt(emptyRecord(), limits(), cached, T0)
  if (first.status !== 'granted') throw new Error('it fits')
  const leftBy = (remaining: number) => {
    const reconciled = reconcileModel(advance(first.record, T0 + 1_000), limits(remaining), 'm')
    return statusOf('c', reconciled, limits(remaining)).models?.map((each) => each.remaining)
  }
  expect(leftBy(39_600)).toEqual([39_600])
  expect(leftBy(30_000)).toEqual([30_000])
  // Others have used 9,600 of it: what is taken and given back of the rest is counted as the provider does.
  const lowered = reconcileModel(advance(first.record, T0 + 1_000), limits(30_000), 'm')
  const second = requestAt(lowered, limits(30_000), cached, T0 + 2_000)
  if (second.status !== 'granted') throw new Error('it fits')
  const leftIn = (record: CapacityRecord) => statusOf('c', record, limits(30_000)).models?.[0]?.remaining
  expect(leftIn(second.record)).toBe(29_600)
  const settled = settle(second.record, {
    chargedAtMs: second.chargedAtMs,
    reserved: { requests: 1, tokens: 45_050 },
    actual: { requests: 1, tokens: 45_050 },
    limited: { reserved: cached.limited, actual: { requests: 1, tokens: 150, inputTokens: 100, outputTokens: 50 } },
    model: 'm',
  })
  expect(leftIn(settled)).toBe(29_900)
})
