import { type Cost, METRICS, type ModelLimit, PERIOD_MS, PERIODS } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acquireAt, enforcing, fill, grant, one, reportedLimit, requestAt, T0 } from '../../test/acquire-at.ts'
import type { EnforcedLimits } from '../record/limits.ts'
import { MAX_MODELS } from '../record/model-counters.ts'
import { NO_OBSERVED_BUDGETS } from '../record/observed-budget.ts'
import { advance, type CapacityRecord, emptyRecord } from '../record/record.ts'
import { used } from '../record/window.ts'
import { reconcileModel } from './acquire.ts'
import { settle } from './settle.ts'

describe('the lower of configured and discovered', () => {
  it('holds each model to what is discovered of it, and all of them to what is configured', () => {
    const limits: EnforcedLimits = {
      ...enforcing(reportedLimit(10), reportedLimit(500, { model: 'large' })),
      configured: [{ period: 'minute', metric: 'requests', limit: 25 }],
    }
    const first = fill(emptyRecord(), limits, T0)
    expect(first).toMatchObject({ granted: 10, denied: { code: 'capacity_exceeded', limit: 10, model: 'm' } })
    const second = fill(first.record, limits, T0, 'large')
    expect(second).toMatchObject({ granted: 15, denied: { code: 'capacity_exceeded', limit: 25 } })
    expect(second.denied).not.toHaveProperty('model')
  })

  it('knows what was admitted before the limit was discovered', () => {
    const before = grant(emptyRecord(), enforcing(), 7, T0)
    expect(fill(before, enforcing(reportedLimit(10)), T0 + 1_000).granted).toBe(3)
  })

  it('counts nothing by model unless discovered limits are enforced', () => {
    const result = acquireAt(emptyRecord(), { configured: [] }, 'm', one, T0)
    expect(result).toMatchObject({ status: 'granted', record: { models: new Map() } })
  })

  it('names the model whose limit a request exceeds as a whole', () => {
    const limits = enforcing(reportedLimit(100, { metric: 'tokens' }))
    expect(acquireAt(emptyRecord(), limits, 'm', { requests: 1, tokens: 101 }, T0)).toEqual({
      status: 'denied',
      code: 'request_exceeds_capacity',
      period: 'minute',
      metric: 'tokens',
      limit: 100,
      excess: 1,
      model: 'm',
    })
  })

  it('drops a limit that no response has reported for a day', () => {
    const record = fill(emptyRecord(), enforcing(reportedLimit(10, { period: 'day' })), T0).record
    expect(acquireAt(record, enforcing(reportedLimit(10, { period: 'day' })), 'm', one, T0 + 86_399_999).status).toBe(
      'denied',
    )
    expect(acquireAt(record, enforcing(reportedLimit(10, { period: 'day' })), 'm', one, T0 + 86_400_000).status).toBe(
      'granted',
    )
  })

  it('keeps a limit of Service Quotas, which no response ever reports', () => {
    const quota = enforcing(reportedLimit(10, { source: 'service-quotas' }))
    expect(fill(emptyRecord(), quota, T0 + 7 * 86_400_000).granted).toBe(10)
  })

  it('gives back to the model what its permits did not use', () => {
    const limits = enforcing(reportedLimit(100, { metric: 'tokens' }))
    const reserved = { requests: 1, tokens: 100 }
    const full = acquireAt(emptyRecord(), limits, 'm', reserved, T0)
    if (full.status === 'denied') throw new Error('the window is empty')
    const actual = { requests: 1, tokens: 30 }
    const settled = settle(full.record, { chargedAtMs: T0, reserved, actual, model: 'm' })
    expect(acquireAt(settled, limits, 'm', { requests: 1, tokens: 70 }, T0).status).toBe('granted')
    expect(acquireAt(settled, limits, 'm', { requests: 1, tokens: 71 }, T0).status).toBe('denied')
  })

  it('holds discovered limits to what the provider counts, and configured ones to what is used', () => {
    const limits: EnforcedLimits = {
      ...enforcing(reportedLimit(40_000, { metric: 'inputTokens' }), reportedLimit(8_000, { metric: 'outputTokens' })),
      configured: [{ period: 'minute', metric: 'tokens', limit: 150_000 }],
    }
    const cost = { requests: 1, tokens: 45_200 }
    const counted = { requests: 1, tokens: 600, inputTokens: 400, outputTokens: 200 }
    const acquire = { model: 'm', ...cost, limited: counted }
    let record = emptyRecord()
    for (let i = 0; i < 3; i++) {
      const result = requestAt(record, limits, acquire, T0)
      if (result.status === 'denied') throw new Error(JSON.stringify(result))
      record = result.record
    }
    const counts = [record.windows, record.models.get('m')?.windows].map(
      (windows) => windows && METRICS.slice(1).map((metric) => used(windows.minute, metric)),
    )
    expect(counts).toEqual([
      [135_600, 135_600, 135_600],
      [1_800, 1_200, 600],
    ])
    expect(requestAt(record, limits, acquire, T0)).toMatchObject({ status: 'denied', metric: 'tokens', limit: 150_000 })
    const large = { model: 'm', requests: 1, tokens: 10, limited: { ...counted, outputTokens: 8_001 } }
    expect(requestAt(record, limits, large, T0)).toMatchObject({
      code: 'request_exceeds_capacity',
      metric: 'outputTokens',
      excess: 1,
      model: 'm',
    })
  })

  it('charges the model with what was let through while capacity was away', () => {
    const limits = enforcing(reportedLimit(10))
    const used = grant(emptyRecord(), limits, 1, T0)
    const nothing = { requests: 0, tokens: 0 }
    const settled = settle(used, { chargedAtMs: 0, reserved: nothing, actual: { requests: 3, tokens: 40 }, model: 'm' })
    expect(fill(settled, limits, T0).granted).toBe(6)
  })

  it('counts a bounded number of models, and lets made-up ones push no real one out', () => {
    const limits = enforcing(reportedLimit(10))
    let { record } = fill(emptyRecord(), limits, T0)
    for (let i = 0; i < 3 * MAX_MODELS; i++) {
      const result = acquireAt(record, limits, `made-up-${i}`, one, T0)
      if (result.status === 'denied') throw new Error('nothing limits it')
      record = result.record
    }
    expect(record.models.size).toBe(MAX_MODELS)
    expect(acquireAt(record, limits, 'm', one, T0).status).toBe('denied')
    expect(advance(record, T0 + 2 * 86_400_000).models.size).toBe(0)
  })
})

const anyInstantMs = fc.integer({ min: -90_000_000, max: 180_000_000 })
const response = fc.record(
  {
    model: fc.constantFrom('a', 'b'),
    period: fc.constantFrom(...PERIODS),
    metric: fc.constantFrom(...METRICS),
    limit: fc.integer({ min: 1, max: 60 }),
    // Also more than the limit, and instants long ago and far ahead.
    remaining: fc.nat(90),
    resetAfterMs: fc.oneof(fc.integer({ min: 0, max: 90_000 }), anyInstantMs),
    seenBeforeMs: fc.oneof(fc.nat(4_000), anyInstantMs),
  },
  { requiredKeys: ['model', 'period', 'metric', 'limit', 'seenBeforeMs'] },
)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      model: fc.constantFrom('a', 'b'),
      inputTokens: fc.nat(20),
      outputTokens: fc.nat(20),
      // What the provider counts may be more than what is used, or less.
      countedInputTokens: fc.nat(30),
      countedOutputTokens: fc.nat(30),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(50),
      inputTokens: fc.nat(30),
      outputTokens: fc.nat(30),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      byMs: fc.oneof(fc.nat(2_000), fc.nat(90_000), fc.nat(5_000_000)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('response' as const), response }) },
)

it('admits no more than the lower of both limits in any interval, raises nothing and outlives no reset, whatever responses report', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 80 }), (steps) => {
      const configured = [{ period: 'minute', metric: 'requests', limit: 15 }] as const
      let discovered = new Map<string, ModelLimit[]>()
      const responses: ModelLimit[] = []
      let record = emptyRecord()
      let nowMs = T0
      const charges: {
        readonly model: string
        readonly atMs: number
        readonly cost: Cost
        counted: Required<Cost>
      }[] = []
      const open: typeof charges = []
      for (const each of steps) {
        const limits = { configured, discovered }
        if (each.kind === 'clock') nowMs += each.byMs
        if (each.kind === 'response') {
          const limit = modelLimit(each.response, nowMs)
          discovered = withResponse(discovered, limit)
          responses.push(limit)
        }
        if (each.kind === 'settle') {
          const [permit] = open.splice(each.which % Math.max(1, open.length), 1)
          if (permit === undefined) continue
          const { model, atMs: chargedAtMs, cost: reserved, counted } = permit
          permit.counted = costWith(
            Math.min(counted.inputTokens, each.inputTokens),
            Math.min(counted.outputTokens, each.outputTokens),
          )
          const limited = { reserved: counted, actual: permit.counted }
          record = settle(advance(record, nowMs), { chargedAtMs, reserved, actual: reserved, limited, model })
        }
        if (each.kind !== 'acquire') continue
        const { model } = each
        const cost = costWith(each.inputTokens, each.outputTokens)
        const counted = costWith(each.countedInputTokens, each.countedOutputTokens)
        const acquire = { model, ...cost, limited: counted }
        record = reconcileModel(advance(record, nowMs), limits, model)
        const result = requestAt(record, limits, acquire, nowMs)
        const unlowered = requestAt(withoutObservedBudgets(record), withoutRemaining(limits), acquire, nowMs)
        if (result.status === 'granted') {
          expect(requestAt(record, { configured }, acquire, nowMs).status).toBe('granted')
          expect(unlowered.status).toBe('granted')
          record = result.record
          const charge = { model, atMs: nowMs, cost, counted }
          charges.push(charge)
          open.push(charge)
          for (const { period, metric, limit, seenAtMs } of discovered.get(model) ?? []) {
            if (nowMs - seenAtMs >= 86_400_000) continue
            const inLast = charges.filter((other) => other.model === model && other.atMs > nowMs - PERIOD_MS[period])
            expect(inLast.reduce((sum, other) => sum + other.counted[metric], 0)).toBeLessThanOrEqual(limit)
          }
        } else if (unlowered.status === 'granted' && result.code === 'capacity_exceeded') {
          // Lowered: until the reset that a response reported, and one period at most.
          const { retryAfterMs, period, metric } = result
          const reportedLimit = discovered
            .get(model)
            ?.find((limit) => limit.period === period && limit.metric === metric)
          expect(retryAfterMs).toBeLessThanOrEqual(PERIOD_MS[period])
          if (reportedLimit !== undefined && !isLatest(reportedLimit, responses)) continue
          if (
            reportedLimit?.remaining !== undefined &&
            nowMs - reportedLimit.seenAtMs < PERIOD_MS[period] / 12 &&
            reportedLimit.resetAtMs
          ) {
            if (reportedLimit.seenAtMs <= nowMs && reportedLimit.resetAtMs > nowMs) {
              expect(retryAfterMs).toBeLessThanOrEqual(reportedLimit.resetAtMs - nowMs)
            }
          }
          expect(requestAt(record, limits, acquire, nowMs + retryAfterMs).status).toBe('granted')
        }
      }
    }),
    { numRuns: 3_000 },
  )
}, 60_000)

function costWith(inputTokens: number, outputTokens: number): Required<Cost> {
  return { requests: 1, tokens: inputTokens + outputTokens, inputTokens, outputTokens }
}

function modelLimit(
  { resetAfterMs, seenBeforeMs, ...rest }: typeof response extends fc.Arbitrary<infer T> ? T : never,
  nowMs: number,
): ModelLimit {
  const seenAtMs = nowMs - seenBeforeMs
  const resetAtMs = resetAfterMs === undefined ? {} : { resetAtMs: nowMs + resetAfterMs }
  return { ...rest, dimension: rest.metric, seenAtMs, ...resetAtMs }
}

function withResponse(discovered: ReadonlyMap<string, ModelLimit[]>, limit: ModelLimit): Map<string, ModelLimit[]> {
  const others = (discovered.get(limit.model) ?? []).filter((other) => !isSameLimit(other, limit))
  return new Map(discovered).set(limit.model, [...others, limit])
}

/**
 * Returns true when no other response about the limit arrived at the same time or later, which would be enforced
 * instead.
 */
function isLatest(limit: ModelLimit, responses: readonly ModelLimit[]): boolean {
  return responses.every((other) => other === limit || !isSameLimit(other, limit) || other.seenAtMs < limit.seenAtMs)
}

function isSameLimit(one: ModelLimit, other: ModelLimit): boolean {
  return one.model === other.model && one.period === other.period && one.metric === other.metric
}

function withoutObservedBudgets(record: CapacityRecord): CapacityRecord {
  const models = [...record.models].map(
    ([model, { windows }]) => [model, { windows, observedBudgets: NO_OBSERVED_BUDGETS }] as const,
  )
  return { ...record, models: new Map(models) }
}

function withoutRemaining({ configured, discovered }: Required<EnforcedLimits>): EnforcedLimits {
  const models = [...discovered].map(
    ([model, limits]) => [model, limits.map(({ remaining: _, ...limit }) => limit)] as const,
  )
  return { configured, discovered: new Map(models) }
}
