import { type Cost, PERIOD_MS, type Period } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acquireAt } from '../testing/acquire-at.ts'
import type { Limits } from './limits.ts'
import { advance, emptyRecord } from './record.ts'
import { settle } from './settle.ts'
import { chargeSlotIndex, slotEndsCountingAtMs } from './window.ts'

/** What really happened, kept in full and summed anew at each question: slow, and too plain to be wrong. */
interface Charge {
  readonly atMs: number
  cost: Cost
}

const T0 = Date.UTC(2026, 0, 1)
const periods: Period[] = ['minute', 'hour', 'day']

const limitsArbitrary: fc.Arbitrary<Limits> = fc.uniqueArray(
  fc.record({
    period: fc.constantFrom(...periods),
    metric: fc.constantFrom('requests' as const, 'tokens' as const),
    limit: fc.integer({ min: 1, max: 60 }),
  }),
  { selector: ({ period, metric }) => `${period} ${metric}`, maxLength: 6 },
)

const stepArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('acquire' as const), tokens: fc.integer({ min: 0, max: 30 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(50),
      requests: fc.integer({ min: 0, max: 1 }),
      tokens: fc.integer({ min: 0, max: 45 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      // Also back: another instance, whose clock is behind.
      byMs: fc.oneof(
        fc.integer({ min: -5_000, max: 2_000 }),
        fc.integer({ min: 0, max: 90_000 }),
        fc.integer({ min: 0, max: 5_000_000 }),
        fc.integer({ min: 0, max: 100_000_000 }),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('limits' as const), limits: limitsArbitrary }) },
)

it('refuses nothing that fits, grants nothing that does not, and says exactly when to come back', () => {
  fc.assert(
    fc.property(limitsArbitrary, fc.array(stepArbitrary, { minLength: 5, maxLength: 80 }), (firstLimits, steps) => {
      let limits = firstLimits
      let record = emptyRecord()
      let clockMs = T0
      let latestMs = T0
      const charges: Charge[] = []
      const open: Charge[] = []

      for (const step of steps) {
        if (step.kind === 'clock') clockMs += step.byMs
        if (step.kind === 'limits') limits = step.limits
        latestMs = Math.max(latestMs, clockMs)

        if (step.kind === 'settle') {
          const [permit] = open.splice(step.which % Math.max(1, open.length), 1)
          if (permit === undefined) continue
          const reserved = permit.cost
          const actual = { requests: step.requests, tokens: step.tokens }
          record = settle(advance(record, clockMs), { chargedAtMs: permit.atMs, reserved, actual })
          latestMs = record.clockMs
          permit.cost = { requests: actual.requests, tokens: Math.min(reserved.tokens, actual.tokens) }
          const extraTokens = Math.max(0, actual.tokens - reserved.tokens)
          charges.push({ atMs: latestMs, cost: { requests: 0, tokens: extraTokens } })
        }

        if (step.kind === 'acquire') {
          const cost = { requests: 1, tokens: step.tokens }
          const result = acquireAt(record, { configured: limits }, 'm', cost, clockMs)
          const nowMs = Math.max(record.clockMs, clockMs)
          const fits = limits.every(
            ({ period, metric, limit }) => countedBySlots(charges, period, metric, nowMs) + cost[metric] <= limit,
          )
          expect(result.status).toBe(fits ? 'granted' : 'denied')
          if (result.status === 'granted') {
            record = result.record
            const charge = { atMs: result.chargedAtMs, cost }
            charges.push(charge)
            open.push(charge)
            for (const { period, metric, limit } of limits) {
              expect(inLast(charges, PERIOD_MS[period], metric, nowMs)).toBeLessThanOrEqual(limit)
            }
          } else if (result.code === 'capacity_exceeded') {
            const { retryAfterMs } = result
            expect(acquireAt(record, { configured: limits }, 'm', cost, clockMs + retryAfterMs).status).toBe('granted')
            expect(acquireAt(record, { configured: limits }, 'm', cost, clockMs + retryAfterMs - 1).status).toBe(
              'denied',
            )
          } else {
            expect(limits.some(({ metric, limit }) => cost[metric] > limit)).toBe(true)
          }
        }
      }
    }),
    { numRuns: 10_000 },
  )
}, 120_000)

/** By the design's definition: a charge counts until its whole slot is older than the period. */
function countedBySlots(charges: readonly Charge[], period: Period, metric: keyof Cost, nowMs: number): number {
  return total(
    charges.filter(({ atMs }) => slotEndsCountingAtMs(period, chargeSlotIndex(period, atMs)) > nowMs),
    metric,
  )
}

/** By the promise: everything in the interval of one period that ends now. */
function inLast(charges: readonly Charge[], periodMs: number, metric: keyof Cost, nowMs: number): number {
  return total(
    charges.filter(({ atMs }) => atMs > nowMs - periodMs),
    metric,
  )
}

function total(charges: readonly Charge[], metric: keyof Cost): number {
  return charges.reduce((sum, { cost }) => sum + cost[metric], 0)
}
