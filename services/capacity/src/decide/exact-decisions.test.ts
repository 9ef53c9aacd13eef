import {
  type Acquire,
  amountOf,
  type Cost,
  DELIVERY_SLACK_MS,
  METRICS,
  type Metric,
  PERIOD_MS,
  PERIODS,
  type Period,
  type PermitBatchRequest,
  type PermitResult,
  type Settlement,
} from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Limits } from '../record/limits.ts'
import { advance, type CapacityRecord, emptyRecord } from '../record/record.ts'
import { applyPermitBatch } from './apply-permit-batch.ts'

const T0 = Date.UTC(2026, 0, 1)
const GATEWAYS = 3

const limitsArbitrary: fc.Arbitrary<Limits> = fc.uniqueArray(
  fc.record({
    period: fc.constantFrom(...PERIODS),
    metric: fc.constantFrom(...METRICS),
    limit: fc.integer({ min: 1, max: 60 }),
  }),
  { selector: ({ period, metric }) => `${period} ${metric}`, maxLength: 12 },
)

const gateway = fc.nat(GATEWAYS - 1)
const acquireArbitrary = fc.record({
  inputTokens: fc.nat(20),
  outputTokens: fc.nat(20),
  isSplit: fc.boolean(),
  isProbe: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
})
const settlementArbitrary = fc.record({
  which: fc.nat(50),
  requests: fc.integer({ min: 0, max: 1 }),
  inputTokens: fc.nat(30),
  outputTokens: fc.nat(30),
})
const batchArbitrary = fc.record({
  kind: fc.constant('batch' as const),
  gateway,
  acquires: fc.array(acquireArbitrary, { maxLength: 6 }),
  settlements: fc.array(settlementArbitrary, { maxLength: 2 }),
  renewals: fc.array(fc.nat(50), { maxLength: 2 }),
  slackMs: fc.constantFrom(DELIVERY_SLACK_MS, DELIVERY_SLACK_MS, 1_000),
})
const stepArbitrary = fc.oneof(
  { weight: 8, arbitrary: batchArbitrary },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), gateway, which: fc.nat(3) }) },
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

type Step<A> = A extends fc.Arbitrary<infer T> ? T : never

/** A charge as it really happened. All are kept and summed again for each question: slow, and too plain to be wrong. */
interface Charge {
  atMs: number
  cost: Amounts
  readonly isSplit: boolean
}

/** What one gateway knows. */
interface Gateway {
  seq: number
  /** Its permits that are not settled. */
  open: Charge[]
  /** Its batches that changed something, with their results. */
  stored: { readonly batch: PermitBatchRequest; readonly results: readonly PermitResult[] }[]
}

/**
 * Production's record beside the list of charges that it stands for.
 * @param isExact every cost splits its tokens; otherwise some do, and nothing that might exceed a limit is granted
 */
function createModel(isExact: boolean) {
  let limits: Limits = []
  let record = emptyRecord()
  let clockMs = T0
  const charges: Charge[] = []
  const gateways = Array.from({ length: GATEWAYS }, (): Gateway => ({ seq: 0, open: [], stored: [] }))
  const gatewayAt = (index: number): Gateway => {
    const found = gateways[index]
    if (found === undefined) throw new Error('there is no such gateway')
    return found
  }
  const fits = (cost: Amounts, nowMs: number): boolean =>
    limits.every(({ period, metric, limit }) => countedBySlots(charges, period, metric, nowMs) + cost[metric] <= limit)
  const apply = (to: CapacityRecord, batch: PermitBatchRequest, nowMs: number) => {
    const advanced = advance(to, nowMs)
    return { advanced, outcome: applyPermitBatch(advanced, { configured: limits }, batch, advanced.clockMs - nowMs) }
  }

  /** Settles in the model: a refund shrinks the charge where it is, extra use is charged now. */
  const settleCharge = (permit: Charge, actual: Amounts, nowMs: number): void => {
    const reserved = permit.cost
    const known = knownOf(reserved, permit.isSplit)
    permit.cost = each((metric) => Math.min(reserved[metric], actual[metric]))
    const extra = each((metric) => Math.max(0, actual[metric] - amountOf(known, metric)))
    charges.push({ atMs: nowMs, cost: extra, isSplit: permit.isSplit })
  }

  /** A denial for now is exact: the same acquire is granted after `retryAfterMs`, and not a millisecond earlier. */
  const expectExactWait = (before: CapacityRecord, batch: PermitBatchRequest, index: number, retryAfterMs: number) => {
    const prefix = { ...batch, acquires: batch.acquires.slice(0, index + 1) }
    const denied = apply(before, prefix, clockMs).outcome.record
    const acquires = batch.acquires.slice(index, index + 1).map((acquire) => ({ ...acquire, probe: true }))
    const statusAt = (atMs: number) => {
      const probe = { gateway: 'probe', seq: 1, asOfMs: Math.max(atMs, denied.clockMs), acquires, settlements: [] }
      const { outcome } = apply(denied, probe, atMs)
      return outcome.status === 'decided' ? outcome.results[0]?.status : outcome.status
    }
    expect(statusAt(clockMs + retryAfterMs)).toBe('granted')
    expect(statusAt(clockMs + retryAfterMs - 1)).toBe('denied')
  }

  const batch = (step: Step<typeof batchArbitrary>): void => {
    const mine = gatewayAt(step.gateway)
    const nowMs = Math.max(record.clockMs, clockMs)
    const settled: { permit: Charge; actual: Amounts }[] = []
    const settlements: Settlement[] = []
    for (const { which, requests, ...parts } of step.settlements) {
      const [permit] = mine.open.splice(which % Math.max(1, mine.open.length), 1)
      if (permit === undefined) continue
      const actual = costWith(parts, requests)
      settled.push({ permit, actual })
      settlements.push({
        chargedAtMs: permit.atMs,
        reserved: knownOf(permit.cost, permit.isSplit),
        actual: knownOf(actual, permit.isSplit),
      })
    }
    const renewed = [...new Set(step.renewals.map((which) => mine.open[which % Math.max(1, mine.open.length)]))].filter(
      (permit) => permit !== undefined,
    )
    const requested = step.acquires.map((acquire) => ({ ...acquire, isSplit: isExact || acquire.isSplit }))
    const acquires: Acquire[] = [
      ...renewed.map((permit) => ({ model: 'm', ...knownOf(permit.cost, permit.isSplit), renews: permit.atMs })),
      ...requested.map(({ isSplit, isProbe, ...parts }) => ({
        model: 'm',
        ...knownOf(costWith(parts, 1), isSplit),
        ...(isProbe ? { probe: true } : {}),
      })),
    ]
    const sent: PermitBatchRequest = {
      gateway: `g${step.gateway}`,
      seq: ++mine.seq,
      asOfMs: Math.max(clockMs, record.clockMs - 100_000),
      slackMs: step.slackMs,
      acquires,
      settlements,
    }
    const before = record
    const { advanced, outcome } = apply(record, sent, clockMs)
    if (outcome.status !== 'decided') throw new Error('a new batch is not stale')
    if (outcome.record !== advanced) mine.stored.push({ batch: sent, results: outcome.results })
    record = outcome.record

    const chargedAtMs = nowMs + step.slackMs - DELIVERY_SLACK_MS
    for (const { permit, actual } of settled) settleCharge(permit, actual, nowMs)
    for (const permit of renewed) permit.atMs = chargedAtMs
    let isWaitChecked = false
    for (const [index, { isSplit, isProbe, ...parts }] of requested.entries()) {
      const cost = costWith(parts, 1)
      const result = outcome.results[renewed.length + index]
      if (result === undefined) throw new Error('each acquire has a result')
      const isFitting = fits(cost, nowMs)
      if (isExact) expect(result.status).toBe(isFitting ? 'granted' : 'denied')
      else if (!isFitting) expect(result.status).toBe('denied')
      if (result.status === 'granted') {
        expect(result.chargedAtMs).toBe(chargedAtMs)
        if (isProbe) continue
        const charge = { atMs: chargedAtMs, cost, isSplit }
        charges.push(charge)
        mine.open.push(charge)
        for (const { period, metric, limit } of limits) {
          expect(inLast(charges, PERIOD_MS[period], metric, nowMs)).toBeLessThanOrEqual(limit)
        }
      } else if (result.code === 'capacity_exceeded') {
        const waitedMs = clockMs + result.retryAfterMs
        if (isExact) expect([fits(cost, waitedMs), fits(cost, waitedMs - 1)]).toEqual([true, false])
        if (!isWaitChecked) expectExactWait(before, sent, renewed.length + index, result.retryAfterMs)
        isWaitChecked = true
      } else {
        const known = knownOf(cost, isSplit)
        expect(limits.some(({ metric, limit }) => amountOf(known, metric) > limit)).toBe(true)
      }
    }
  }

  return {
    run: (step: Step<typeof stepArbitrary>): void => {
      if (step.kind === 'clock') clockMs += step.byMs
      else if (step.kind === 'limits') limits = step.limits
      else if (step.kind === 'batch') batch(step)
      else {
        const { stored } = gatewayAt(step.gateway)
        const repeated = stored.at(-1 - step.which)
        if (repeated === undefined) return
        const { advanced, outcome } = apply(record, { ...repeated.batch, repeat: true }, clockMs)
        expect(outcome.record).toBe(advanced)
        if (outcome.status === 'decided') expect(outcome.results).toEqual(repeated.results)
        if (step.which > 0) expect(outcome.status).toBe('stale')
      }
    },
    setLimits: (first: Limits): void => {
      limits = first
    },
  }
}

function drive(isExact: boolean, numRuns: number): void {
  fc.assert(
    fc.property(limitsArbitrary, fc.array(stepArbitrary, { minLength: 5, maxLength: 60 }), (first, steps) => {
      const model = createModel(isExact)
      model.setLimits(first)
      for (const step of steps) model.run(step)
    }),
    { numRuns },
  )
}

it('batches of several gateways are granted exactly what fits, repeats change nothing, and denials say exactly when to retry', () => {
  drive(true, 1_500)
}, 240_000)

it('batches exceed no limit of input or output when some of their costs do not split their tokens', () => {
  drive(false, 750)
}, 240_000)

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

/** A cost as a gateway states it: with its parts if it knows that the connection limits them. */
function knownOf({ requests, tokens, ...parts }: Cost, isSplit: boolean): Cost {
  return isSplit ? { requests, tokens, ...parts } : { requests, tokens }
}

/**
 * By the design's definition: a charge counts, half a second later than it was made, until its whole slot is older
 * than the period.
 */
function countedBySlots(charges: readonly Charge[], period: Period, metric: Metric, nowMs: number): number {
  const slotMs = PERIOD_MS[period] / 60
  const endsCountingAtMs = (atMs: number) => Math.floor((atMs + 500) / slotMs) * slotMs + slotMs + PERIOD_MS[period]
  return total(
    charges.filter(({ atMs }) => endsCountingAtMs(atMs) > nowMs),
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
