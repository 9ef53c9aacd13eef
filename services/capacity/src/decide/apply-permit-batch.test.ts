import { PERMIT_BATCH_MAX_AGE_MS, PERMIT_SESSION_EXPIRY_MS, type PermitBatchRequest } from '@sluice/contracts'
import { expect, it } from 'vitest'
import type { Limits } from '../record/limits.ts'
import { lacksCharges } from '../record/lost-charges.ts'
import { advance, type CapacityRecord, emptyRecord } from '../record/record.ts'
import { statusOf } from '../record/status.ts'
import { slotsOf, used } from '../record/window.ts'
import { applyPermitBatch } from './apply-permit-batch.ts'
import { settle } from './settle.ts'

const T0 = Date.UTC(2026, 0, 1)
const limits: Limits = [{ period: 'minute', metric: 'requests', limit: 3 }]
const empty = advance(emptyRecord(), T0)

function batchOf(seq: number, acquires: number, more: Partial<PermitBatchRequest> = {}): PermitBatchRequest {
  return {
    gateway: 'g1',
    seq,
    asOfMs: T0,
    acquires: Array.from({ length: acquires }, () => ({ model: 'm', requests: 1, tokens: 10 })),
    settlements: [],
    ...more,
  }
}

function decided(record: CapacityRecord, permitBatch: PermitBatchRequest) {
  const applied = applyPermitBatch(record, { configured: limits }, permitBatch, 0)
  if (applied.status !== 'decided') throw new Error(applied.status)
  return applied
}

it('decides acquires in order', () => {
  const { results } = decided(empty, batchOf(1, 5))
  expect(results.map(({ status }) => status)).toEqual(['granted', 'granted', 'granted', 'denied', 'denied'])
})

it('retried request charged twice: a repeated batch is applied once and returns the same results', () => {
  const first = decided(empty, batchOf(1, 5))
  const again = decided(first.record, { ...batchOf(1, 5), repeat: true })
  expect(again.results).toEqual(first.results)
  expect(again.record).toBe(first.record)
  expect(used(again.record.windows.minute, 'requests')).toBe(3)
})

it('applies nothing of a batch whose session has applied later ones', () => {
  const first = decided(empty, batchOf(1, 1))
  const second = decided(first.record, batchOf(2, 1))
  expect(applyPermitBatch(second.record, { configured: limits }, batchOf(1, 1), 0)).toEqual({
    status: 'stale',
    record: second.record,
  })
})

it('returns the same record, which needs no write, when all acquires are denied', () => {
  const full = decided(empty, batchOf(1, 3)).record
  const denied = decided(full, batchOf(2, 50))
  expect(denied.record).toBe(full)
  expect(denied.results).toHaveLength(50)
})

it('applies settlements before acquires', () => {
  const full = decided(empty, batchOf(1, 3)).record
  const reserved = { requests: 1, tokens: 10 }
  const settlements = [{ chargedAtMs: T0, reserved, actual: { requests: 0, tokens: 0 } }]
  expect(decided(full, batchOf(2, 1, { settlements })).results).toEqual([{ status: 'granted', chargedAtMs: T0 }])
})

it('keeps sessions apart and forgets those unseen for two minutes', () => {
  const one = decided(empty, batchOf(7, 1))
  const two = decided(one.record, batchOf(1, 1, { gateway: 'g2' }))
  expect([...two.record.sessions.keys()]).toEqual(['g1', 'g2'])
  const later = decided(advance(two.record, T0 + 119_999), batchOf(2, 1, { gateway: 'g2', asOfMs: T0 + 119_999 }))
  expect([...later.record.sessions.keys()]).toEqual(['g1', 'g2'])
  expect([...advance(later.record, T0 + 120_000).sessions.keys()]).toEqual(['g2'])
})

it('charges nothing for a probe, and returns what would be decided', () => {
  const probe = { model: 'm', requests: 4, tokens: 40, probe: true }
  const room = decided(empty, batchOf(1, 0, { acquires: [{ ...probe, requests: 3 }] }))
  expect(room.results).toMatchObject([{ status: 'granted' }])
  expect(room.record).toBe(empty)
  const full = decided(empty, batchOf(1, 3)).record
  const { results, record } = decided(full, batchOf(2, 0, { acquires: [{ ...probe, requests: 1 }] }))
  expect(results).toMatchObject([{ status: 'denied', retryAfterMs: 61_000 }])
  expect(record).toBe(full)
  const mixed = decided(empty, batchOf(1, 1, { acquires: [probe, { model: 'm', requests: 1, tokens: 10 }] }))
  expect(statusOf('c', mixed.record, { configured: limits }).windows[0]).toMatchObject({ used: 1, reserved: 1 })
})

it('reports what is reserved and not settled yet', () => {
  const open = decided(empty, batchOf(1, 2)).record
  expect(statusOf('c', open, { configured: limits }).windows[0]).toMatchObject({ metric: 'requests', reserved: 2 })
  const reserved = { requests: 1, tokens: 10 }
  const settlements = [{ chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 4 } }]
  const less = decided(open, batchOf(2, 0, { settlements })).record
  expect(statusOf('c', less, { configured: limits }).windows[0]).toMatchObject({
    used: 2,
    reserved: 1,
    remaining: 1,
    limit: 3,
  })
})

it('stores a budget that a response lowered although all acquires are denied, once', () => {
  const reportedLimit = { model: 'm', period: 'minute', metric: 'requests', dimension: 'requests', limit: 9 } as const
  const discovered = new Map([['m', [{ ...reportedLimit, remaining: 0, resetAtMs: T0 + 50_000, seenAtMs: T0 }]]])
  const enforcing = { configured: limits, discovered }
  const first = applyPermitBatch(empty, enforcing, batchOf(1, 2), 0)
  if (first.status !== 'decided') throw new Error(first.status)
  expect(first.results).toMatchObject([{ model: 'm', limit: 9, retryAfterMs: 50_000 }, { status: 'denied' }])
  expect(first.record).not.toBe(empty)
  const second = applyPermitBatch(first.record, enforcing, batchOf(2, 2), 0)
  expect(second.record).toBe(first.record)
  expect(statusOf('c', first.record, enforcing).models).toEqual([
    { model: 'm', period: 'minute', metric: 'requests', limit: 9, used: 0, remaining: 0, resetMs: 50_000 },
  ])
})

it('refuses a batch that is older than sessions are remembered, and accepts one just younger', () => {
  const later = advance(empty, T0 + PERMIT_BATCH_MAX_AGE_MS)
  expect(applyPermitBatch(later, { configured: limits }, batchOf(1, 1), 0).status).toBe('decided')
  const tooLate = advance(empty, T0 + PERMIT_BATCH_MAX_AGE_MS + 1)
  expect(applyPermitBatch(tooLate, { configured: limits }, batchOf(1, 1), 0)).toEqual({
    status: 'stale',
    record: tooLate,
  })
})

it('applies no batch twice, however late it is repeated', () => {
  const { record } = decided(empty, batchOf(1, 1))
  for (let afterMs = 0; afterMs <= 4 * PERMIT_SESSION_EXPIRY_MS; afterMs += 500) {
    const later = advance(record, T0 + afterMs)
    const again = applyPermitBatch(later, { configured: limits }, batchOf(1, 1), 0)
    expect(again.record).toBe(later)
  }
})

it('a renewal moves a charge to now in one step, in every window, whatever the limits', () => {
  const full = decided(empty, batchOf(1, 3)).record
  const renewals = { acquires: [{ model: 'm', requests: 1, tokens: 10, renews: T0 }] }
  const later = advance(full, T0 + 30_000)
  const { record, results } = decided(later, batchOf(2, 0, renewals))
  expect(results).toEqual([{ status: 'granted', chargedAtMs: T0 + 30_000 }])
  expect(used(record.windows.minute, 'requests')).toBe(3)
  expect(used(record.windows.hour, 'requests')).toBe(3)
  const [status] = statusOf('c', record, { configured: limits }).windows
  expect(status).toMatchObject({ used: 3, reserved: 3 })
  // The two that were not moved have slid out.
  expect(used(advance(record, T0 + 65_000).windows.minute, 'requests')).toBe(1)
})

it('charges the permits of a distant gateway ahead, so that they count for longer', () => {
  const { record, results } = decided(empty, batchOf(1, 1, { slackMs: 1_000 }))
  expect(results).toEqual([{ status: 'granted', chargedAtMs: T0 + 500 }])
  const near = decided(record, { ...batchOf(1, 1), gateway: 'near' })
  const [first] = slotsOf(near.record.windows.minute)
  expect(slotsOf(near.record.windows.minute)).toHaveLength(2)
  const refund = { chargedAtMs: T0, reserved: { requests: 1, tokens: 10 }, actual: { requests: 0, tokens: 0 } }
  const refunded = settle(near.record, refund)
  expect(slotsOf(refunded.windows.minute)).toEqual(slotsOf(near.record.windows.minute).filter((slot) => slot !== first))
})

it('recognizes that a record lacks charges which its session knows to be stored', () => {
  const { record } = decided(empty, batchOf(1, 1))
  const known = (seq: number, atMs = T0) => batchOf(seq + 1, 1, { stored: { seq, atMs } })
  expect(lacksCharges(record, known(1))).toBe(false)
  expect(lacksCharges(record, known(2))).toBe(true)
  expect(lacksCharges(empty, known(1))).toBe(true)
  // A session unseen for this long is forgotten in any case.
  expect(lacksCharges(advance(empty, T0 + PERMIT_SESSION_EXPIRY_MS), known(1))).toBe(false)
  const madeUp = { ...record, loss: { fromMs: T0 - 1, untilMs: T0 + 5, assumed: [] } }
  expect(lacksCharges(madeUp, known(2))).toBe(false)
  expect(lacksCharges(madeUp, known(2, T0 + 6))).toBe(true)
})
