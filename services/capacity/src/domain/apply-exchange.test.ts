import type { ExchangeRequest } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { applyExchange } from './apply-exchange.ts'
import { statusOf } from './figures.ts'
import type { Limits } from './limits.ts'
import { advance, type CapacityRecord, emptyRecord } from './record.ts'
import { used } from './window.ts'

const T0 = Date.UTC(2026, 0, 1)
const limits: Limits = [{ period: 'minute', metric: 'requests', limit: 3 }]
const empty = advance(emptyRecord(), T0)

function exchangeOf(seq: number, acquires: number, more: Partial<ExchangeRequest> = {}): ExchangeRequest {
  return {
    gateway: 'g1',
    seq,
    asOfMs: T0,
    acquires: Array.from({ length: acquires }, () => ({ model: 'm', requests: 1, tokens: 10 })),
    settlements: [],
    ...more,
  }
}

function decided(record: CapacityRecord, exchange: ExchangeRequest) {
  const applied = applyExchange(record, { configured: limits }, exchange, 0)
  if (applied.status !== 'decided') throw new Error(applied.status)
  return applied
}

it('decides acquires in order', () => {
  const { results } = decided(empty, exchangeOf(1, 5))
  expect(results.map(({ status }) => status)).toEqual(['granted', 'granted', 'granted', 'denied', 'denied'])
})

it('retried request charged twice: a repeated exchange is applied once and has the same results', () => {
  const first = decided(empty, exchangeOf(1, 5))
  const again = decided(first.record, { ...exchangeOf(1, 5), repeat: true })
  expect(again.results).toEqual(first.results)
  expect(again.record).toBe(first.record)
  expect(used(again.record.windows.minute, 'requests')).toBe(3)
})

it('applies nothing of an exchange that its lane has left behind', () => {
  const first = decided(empty, exchangeOf(1, 1))
  const second = decided(first.record, exchangeOf(2, 1))
  expect(applyExchange(second.record, { configured: limits }, exchangeOf(1, 1), 0)).toEqual({
    status: 'stale',
    record: second.record,
  })
})

it('changes nothing, and so asks for no write, when all is denied', () => {
  const full = decided(empty, exchangeOf(1, 3)).record
  const denied = decided(full, exchangeOf(2, 50))
  expect(denied.record).toBe(full)
  expect(denied.results).toHaveLength(50)
})

it('settles before it decides', () => {
  const full = decided(empty, exchangeOf(1, 3)).record
  const reserved = { requests: 1, tokens: 10 }
  const settlements = [{ chargedAtMs: T0, reserved, actual: { requests: 0, tokens: 0 } }]
  expect(decided(full, exchangeOf(2, 1, { settlements })).results).toEqual([{ status: 'granted', chargedAtMs: T0 }])
})

it('keeps lanes apart and forgets those unseen for two minutes', () => {
  const one = decided(empty, exchangeOf(7, 1))
  const two = decided(one.record, exchangeOf(1, 1, { gateway: 'g2' }))
  expect([...two.record.lanes.keys()]).toEqual(['g1', 'g2'])
  const later = decided(advance(two.record, T0 + 119_999), exchangeOf(2, 1, { gateway: 'g2' }))
  expect([...later.record.lanes.keys()]).toEqual(['g1', 'g2'])
  expect([...advance(later.record, T0 + 120_000).lanes.keys()]).toEqual(['g2'])
})

it('charges nothing for a probe, and tells what would be', () => {
  const probe = { model: 'm', requests: 4, tokens: 40, probe: true }
  const room = decided(empty, exchangeOf(1, 0, { acquires: [{ ...probe, requests: 3 }] }))
  expect(room.results).toMatchObject([{ status: 'granted' }])
  expect(room.record).toBe(empty)
  const full = decided(empty, exchangeOf(1, 3)).record
  const { results, record } = decided(full, exchangeOf(2, 0, { acquires: [{ ...probe, requests: 1 }] }))
  expect(results).toMatchObject([{ status: 'denied', retryAfterMs: 61_000 }])
  expect(record).toBe(full)
  const mixed = decided(empty, exchangeOf(1, 1, { acquires: [probe, { model: 'm', requests: 1, tokens: 10 }] }))
  expect(statusOf('c', mixed.record, { configured: limits }).windows[0]).toMatchObject({ used: 1, reserved: 1 })
})

it('knows what is reserved and not settled yet', () => {
  const open = decided(empty, exchangeOf(1, 2)).record
  expect(statusOf('c', open, { configured: limits }).windows[0]).toMatchObject({ metric: 'requests', reserved: 2 })
  const reserved = { requests: 1, tokens: 10 }
  const settlements = [{ chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 4 } }]
  const less = decided(open, exchangeOf(2, 0, { settlements })).record
  expect(statusOf('c', less, { configured: limits }).windows[0]).toMatchObject({
    used: 2,
    reserved: 1,
    remaining: 1,
    limit: 3,
  })
})

it('keeps what an answer has lowered although all is denied, once', () => {
  const told = { model: 'm', period: 'minute', metric: 'requests', dimension: 'requests', limit: 9 } as const
  const discovered = new Map([['m', [{ ...told, remaining: 0, resetAtMs: T0 + 50_000, seenAtMs: T0 }]]])
  const held = { configured: limits, discovered }
  const first = applyExchange(empty, held, exchangeOf(1, 2), 0)
  if (first.status !== 'decided') throw new Error(first.status)
  expect(first.results).toMatchObject([{ model: 'm', limit: 9, retryAfterMs: 50_000 }, { status: 'denied' }])
  expect(first.record).not.toBe(empty)
  const second = applyExchange(first.record, held, exchangeOf(2, 2), 0)
  expect(second.record).toBe(first.record)
  expect(statusOf('c', first.record, held).models).toEqual([
    { model: 'm', period: 'minute', metric: 'requests', limit: 9, used: 0, remaining: 0, resetMs: 50_000 },
  ])
})
