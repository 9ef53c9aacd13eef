import { METRICS, PERIODS, PERMIT_SESSION_EXPIRY_MS, SPLIT_METRICS, type SplitMetric } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { applyPermitBatch } from '../decide/apply-permit-batch.ts'
import { decodeRecord, encodeRecord, type StoredRecord, UnknownRecordError } from './codec.ts'
import type { EnforcedLimits, Limits } from './limits.ts'
import { MAX_MODELS, NO_COUNTERS } from './model-counters.ts'
import { advance, type CapacityRecord, emptyRecord } from './record.ts'
import { used } from './window.ts'

const T0 = Date.UTC(2026, 0, 1)
const limits: Limits = [
  { period: 'minute', metric: 'requests', limit: 40 },
  { period: 'day', metric: 'tokens', limit: 100_000 },
  { period: 'hour', metric: 'inputTokens', limit: 90_000 },
]

interface Step {
  readonly afterMs: number
  readonly gateway: string
  readonly acquires: readonly number[]
  /** The parts of tokens that costs split off. */
  readonly parts?: readonly SplitMetric[]
  readonly coolDown: boolean
}

function recordAfter(steps: readonly Step[], enforced: EnforcedLimits = { configured: limits }): CapacityRecord {
  let record = emptyRecord()
  let nowMs = T0
  for (const [index, { afterMs, gateway, acquires, parts = [], coolDown }] of steps.entries()) {
    nowMs += afterMs
    const zero = { requests: 0, tokens: 0 }
    const settlement = { chargedAtMs: nowMs, reserved: zero, actual: zero, coolDown: { model: 'm', durationMs: 500 } }
    record = applyPermitBatch(
      advance(record, nowMs),
      enforced,
      {
        gateway,
        seq: index + 1,
        asOfMs: nowMs,
        acquires: acquires.map((tokens) => ({
          model: 'm2',
          requests: 1,
          tokens,
          ...Object.fromEntries(parts.map((metric, i) => [metric, (tokens >> 1) + i])),
        })),
        settlements: coolDown ? [settlement] : [],
      },
      0,
    ).record
  }
  return record
}

it('decodes what it encoded', () => {
  const step = fc.record({
    afterMs: fc.nat(400_000),
    gateway: fc.constantFrom('a', 'b', 'c'),
    acquires: fc.array(fc.nat(5_000), { maxLength: 12 }),
    parts: fc.subarray([...SPLIT_METRICS]),
    coolDown: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const record = recordAfter(steps)
      expect(decodeRecord(JSON.parse(JSON.stringify(encodeRecord(record))))).toEqual(record)
    }),
  )
})

it('decodes cool-downs of every pool and size, and the results of trials', () => {
  const nothing = { requests: 0, tokens: 0 }
  const coolDowns = [
    {},
    { pool: 'flex' },
    { pool: 'flex', minTokens: 4_096, isServed: true as const },
    { model: '__proto__' },
    { model: 'a;b' },
  ]
  const settlements = coolDowns.map((coolDown) => ({
    chargedAtMs: 0,
    reserved: nothing,
    actual: nothing,
    coolDown: { model: 'm', durationMs: 3_600_000, ...coolDown },
  }))
  const permitBatch = { gateway: 'a', seq: 1, asOfMs: T0, acquires: [], settlements }
  const cooling = applyPermitBatch(advance(emptyRecord(), T0), { configured: limits }, permitBatch, 0).record
  const acquires = [{ model: 'm' }, { model: 'm', pool: 'flex' }].map((each) => ({ ...each, requests: 1, tokens: 7 }))
  const later = { gateway: 'a', seq: 2, asOfMs: T0, acquires: [...acquires, ...acquires], settlements: [] }
  const tried = applyPermitBatch(advance(cooling, T0 + 60_000), { configured: limits }, later, 0)
  expect(tried).toMatchObject({
    results: [{ trialAtMs: T0 + 60_000 }, { trialAtMs: T0 + 60_000 }, { status: 'denied' }, { status: 'denied' }],
  })
  expect(decodeRecord(JSON.parse(JSON.stringify(encodeRecord(tried.record))))).toEqual(tried.record)
})

it('decodes the counts and observed budgets of each model', () => {
  const limit = { model: 'm2', period: 'minute', metric: 'requests', dimension: 'requests', seenAtMs: T0 } as const
  const discovered = new Map([
    [
      'm2',
      [
        { ...limit, limit: 9, remaining: 4 },
        { ...limit, period: 'day' as const, limit: 50, remaining: 50 },
      ],
    ],
  ])
  const acquires = ['m2', 'other', 'm2'].map((model) => ({ model, requests: 1, tokens: 7 }))
  const permitBatch = { gateway: 'a', seq: 1, asOfMs: T0, acquires, settlements: [] }
  const { record } = applyPermitBatch(advance(emptyRecord(), T0), { configured: limits, discovered }, permitBatch, 0)
  expect([...(record.models.get('m2')?.observedBudgets ?? [])]).toMatchObject([
    ['minute-requests', { lowered: { remaining: 2 } }],
    ['day-requests', { seenAtMs: T0 }],
  ])
  expect(decodeRecord(JSON.parse(JSON.stringify(encodeRecord(record))))).toEqual(record)
})

it('stores no models when nothing is counted by model', () => {
  const stored = encodeRecord(recordAfter([{ afterMs: 0, gateway: 'a', acquires: [1, 2], coolDown: false }]))
  expect(stored).not.toHaveProperty('models')
  expect(decodeRecord(stored).models.size).toBe(0)
})

it('stores no input and output when no charge splits its tokens', () => {
  const steps = [{ afterMs: 0, gateway: 'a', acquires: [1, 2], coolDown: true }]
  const stored = encodeRecord(recordAfter(steps))
  expect(stored).not.toHaveProperty('parts')
  expect(stored.sessions[0]?.open).toEqual([2, 3])
  expect(decodeRecord(stored)).toEqual(recordAfter(steps))
})

it('keeps split and unsplit charges apart within one window', () => {
  const record = recordAfter([
    { afterMs: 0, gateway: 'a', acquires: [100], coolDown: false },
    { afterMs: 5_000, gateway: 'a', acquires: [40], parts: ['outputTokens'], coolDown: false },
  ])
  const stored = encodeRecord(record)
  expect(stored.parts).toEqual({ outputTokens: { minute: [20, -1], hour: [120], day: [120] } })
  const decoded = decodeRecord(JSON.parse(JSON.stringify(stored)))
  expect(decoded).toEqual(record)
  expect(METRICS.map((metric) => used(decoded.windows.minute, metric))).toEqual([2, 140, 140, 120])
})

it('a full record of eight gateways with 256 permits in each last batch is stored in less than 5 KiB', () => {
  const record = fullRecord({ configured: [] })
  expect(record.sessions.size).toBe(8)
  expect(PERMIT_SESSION_EXPIRY_MS).toBeGreaterThan(62_000)
  expect(record.windows.minute.older.length + record.windows.hour.older.length).toBeGreaterThan(115)
  expect(JSON.stringify(encodeRecord(record)).length).toBeLessThan(5_120)
})

it('a full record with input and output in every slot is stored in less than 8 KiB', () => {
  const record = fullRecord({ configured: [] }, SPLIT_METRICS)
  expect(JSON.stringify(encodeRecord(record)).length).toBeLessThan(8_192)
})

it('a full record with the most models is stored in less than 768 KiB, three quarters of a NATS message', () => {
  const { models, ...record } = fullRecord({ configured: [], discovered: new Map() }, SPLIT_METRICS)
  const counters = models.get('m2') ?? NO_COUNTERS
  expect(counters.windows.minute.older.length + counters.windows.hour.older.length).toBeGreaterThan(115)
  const lowered = { remaining: 123_456, endsAtMs: record.clockMs, countedFromMs: record.clockMs }
  const observedBudget = { seenAtMs: record.clockMs, keptUntilMs: record.clockMs, lowered }
  const keys = PERIODS.flatMap((period) => METRICS.map((metric) => `${period}-${metric}`))
  const full = { ...counters, observedBudgets: new Map(keys.map((key) => [key, observedBudget])) }
  const names = Array.from({ length: MAX_MODELS }, (_, i) => `us.anthropic.claude-sonnet-4-5-20250929-v1:${i}`)
  const stored = encodeRecord({ ...record, models: new Map(names.map((name) => [name, full])) })
  expect(JSON.stringify(stored).length).toBeLessThan(768 * 1_024)
})

/** Every slot of every window in use, by eight gateways. */
function fullRecord(enforced: EnforcedLimits, parts: readonly SplitMetric[] = []): CapacityRecord {
  const gateways = ['0', '1', '2', '3', '4', '5', '6', '7'].map((n) => `6f1d7f6e-2f57-4d6c-9f0c-2b8f3f8f7f6${n}.1`)
  const step = (afterMs: number, index: number): Step => ({
    afterMs,
    gateway: gateways[index % 8] ?? '',
    acquires: Array.from({ length: 256 }, () => 12_345),
    parts,
    coolDown: false,
  })
  return recordAfter(
    [
      ...Array.from({ length: 62 }, (_, i) => step(24 * 60_000, i)),
      ...Array.from({ length: 62 }, (_, i) => step(60_000, i)),
      ...Array.from({ length: 62 }, (_, i) => step(1_000, i)),
    ],
    enforced,
  )
}

it('refuses what is not a record of this version, and says what to do', () => {
  const { v, ...fields } = encodeRecord(emptyRecord())
  for (const stored of [null, {}, { v }, 'x', fields, { ...fields, v: 2 }, { ...fields, v: v + 1 }]) {
    expect(() => decodeRecord(stored)).toThrow(UnknownRecordError)
    expect(() => decodeRecord(stored)).toThrow('remove the streams KV_capacity and KV_capacity-clock')
  }
})

it.each([
  ['a window without a newest slot', (stored: StoredRecord) => ({ ...stored, day: [] })],
  ['a window that is cut short', (stored: StoredRecord) => ({ ...stored, minute: stored.minute.slice(0, -1) })],
  [
    'fewer parts of tokens than slots',
    (stored: StoredRecord) => ({ ...stored, parts: { inputTokens: { minute: [], hour: [], day: [] } } }),
  ],
  [
    'a run of results without its kind',
    ({ sessions, ...stored }: StoredRecord) => ({
      ...stored,
      sessions: sessions.map((session) => ({ ...session, runs: session.runs.slice(0, -1) })),
    }),
  ],
])('refuses a record with %s, which would count less than was charged', (_, damage) => {
  const stored = encodeRecord(recordAfter([{ afterMs: 0, gateway: 'a', acquires: [1, 2], coolDown: false }]))
  expect(() => decodeRecord(stored)).not.toThrow()
  expect(() => decodeRecord(damage(stored))).toThrow(UnknownRecordError)
})
