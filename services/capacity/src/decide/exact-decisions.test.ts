import { amountOf, type Cost, METRICS, type Metric, PERIOD_MS, type Period } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { acquireAt } from '../../test/acquire-at.ts'
import type { Limits } from '../record/limits.ts'
import { advance, emptyRecord } from '../record/record.ts'
import { chargeSlotIndex, slotEndsCountingAtMs } from '../record/window.ts'
import { settle } from './settle.ts'

/** What really happened, kept in full and summed anew at each question: slow, and too plain to be wrong. */
interface Charge {
  readonly atMs: number
  readonly cost: Amounts
}

const T0 = Date.UTC(2026, 0, 1)
const periods: Period[] = ['minute', 'hour', 'day']

const limitsArbitrary: fc.Arbitrary<Limits> = fc.uniqueArray(
  fc.record({
    period: fc.constantFrom(...periods),
    metric: fc.constantFrom(...METRICS),
    limit: fc.integer({ min: 1, max: 60 }),
  }),
  { selector: ({ period, metric }) => `${period} ${metric}`, maxLength: 12 },
)

const stepArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      inputTokens: fc.nat(20),
      outputTokens: fc.nat(20),
      isSplit: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(50),
      requests: fc.integer({ min: 0, max: 1 }),
      inputTokens: fc.nat(30),
      outputTokens: fc.nat(30),
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

/** As a gateway says it: with its parts where the connection limits them, by what the gateway knows of its limits. */
function said({ requests, tokens, ...parts }: Cost, isSplit: boolean): Cost {
  return isSplit ? { requests, tokens, ...parts } : { requests, tokens }
}

/** @param isExact every cost tells its parts apart; otherwise some do, and nothing that might exceed a limit is granted */
function drive(isExact: boolean, numRuns: number): void {
  fc.assert(
    fc.property(limitsArbitrary, fc.array(stepArbitrary, { minLength: 5, maxLength: 80 }), (firstLimits, steps) => {
      let limits = firstLimits
      let record = emptyRecord()
      let clockMs = T0
      let latestMs = T0
      const charges: Charge[] = []
      const open: (Charge & { readonly isSplit: boolean })[] = []
      for (const step of steps) {
        if (step.kind === 'clock') clockMs += step.byMs
        if (step.kind === 'limits') limits = step.limits
        latestMs = Math.max(latestMs, clockMs)

        if (step.kind === 'settle') {
          const [permit] = open.splice(step.which % Math.max(1, open.length), 1)
          if (permit === undefined) continue
          const reserved = permit.cost
          const actual = costWith(step, step.requests)
          record = settle(advance(record, clockMs), {
            chargedAtMs: permit.atMs,
            reserved: said(reserved, permit.isSplit),
            actual: said(actual, permit.isSplit),
          })
          latestMs = record.clockMs
          // The charge is replaced, so that what was kept of it is seen in `charges`, too.
          charges[charges.indexOf(permit)] = {
            atMs: permit.atMs,
            cost: each((metric) => Math.min(reserved[metric], actual[metric])),
          }
          charges.push({
            atMs: latestMs,
            cost: each((metric) => Math.max(0, actual[metric] - amountOf(said(reserved, permit.isSplit), metric))),
          })
        }

        if (step.kind === 'acquire') {
          const cost = costWith(step, 1)
          const isSplit = isExact || step.isSplit
          const asked = said(cost, isSplit)
          const result = acquireAt(record, { configured: limits }, 'm', asked, clockMs)
          const nowMs = Math.max(record.clockMs, clockMs)
          const fits = limits.every(
            ({ period, metric, limit }) => countedBySlots(charges, period, metric, nowMs) + cost[metric] <= limit,
          )
          if (isExact) expect(result.status).toBe(fits ? 'granted' : 'denied')
          else if (!fits) expect(result.status).toBe('denied')
          if (result.status === 'granted') {
            record = result.record
            const charge = { atMs: result.chargedAtMs, cost, isSplit }
            charges.push(charge)
            open.push(charge)
            for (const { period, metric, limit } of limits) {
              expect(inLast(charges, PERIOD_MS[period], metric, nowMs)).toBeLessThanOrEqual(limit)
            }
          } else if (result.code === 'capacity_exceeded') {
            const { retryAfterMs } = result
            expect(acquireAt(record, { configured: limits }, 'm', asked, clockMs + retryAfterMs).status).toBe('granted')
            expect(acquireAt(record, { configured: limits }, 'm', asked, clockMs + retryAfterMs - 1).status).toBe(
              'denied',
            )
          } else {
            expect(limits.some(({ metric, limit }) => amountOf(asked, metric) > limit)).toBe(true)
          }
        }
      }
    }),
    { numRuns },
  )
}

it('refuses nothing that fits, grants nothing that does not, and says exactly when to come back', () => {
  drive(true, 10_000)
}, 120_000)

it('exceeds no limit of a part by costs that do not tell their parts apart, whichever of them do', () => {
  drive(false, 5_000)
}, 120_000)

/** Every metric's amount. */
type Amounts = Required<Cost>

function each(amount: (metric: Metric) => number): Amounts {
  return {
    requests: amount('requests'),
    tokens: amount('tokens'),
    inputTokens: amount('inputTokens'),
    outputTokens: amount('outputTokens'),
  }
}

function costWith(parts: Pick<Amounts, 'inputTokens' | 'outputTokens'>, requests: number): Amounts {
  const { inputTokens, outputTokens } = parts
  return { requests, tokens: inputTokens + outputTokens, inputTokens, outputTokens }
}

/** By the design's definition: a charge counts until its whole slot is older than the period. */
function countedBySlots(charges: readonly Charge[], period: Period, metric: Metric, nowMs: number): number {
  return total(
    charges.filter(({ atMs }) => slotEndsCountingAtMs(period, chargeSlotIndex(period, atMs)) > nowMs),
    metric,
  )
}

/** By the promise: everything in the interval of one period that ends now. */
function inLast(charges: readonly Charge[], periodMs: number, metric: Metric, nowMs: number): number {
  return total(
    charges.filter(({ atMs }) => atMs > nowMs - periodMs),
    metric,
  )
}

function total(charges: readonly Charge[], metric: Metric): number {
  return charges.reduce((sum, { cost }) => sum + cost[metric], 0)
}
