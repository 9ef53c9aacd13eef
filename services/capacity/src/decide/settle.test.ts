import { expect, it } from 'vitest'
import { acquireAt } from '../../test/acquire-at.ts'
import { advance, type CapacityRecord, emptyRecord } from '../record/record.ts'
import { used } from '../record/window.ts'
import { settle } from './settle.ts'

const T0 = Date.UTC(2026, 0, 1)
const reserved = { requests: 1, tokens: 1_000 }

function charged(atMs: number): CapacityRecord {
  const result = acquireAt(emptyRecord(), { configured: [] }, 'm', reserved, atMs)
  if (result.status !== 'granted') throw new Error('nothing limits it')
  return result.record
}

it('refunds what was not used', () => {
  const record = settle(charged(T0), { chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 300 } })
  for (const window of Object.values(record.windows)) {
    expect(used(window, 'tokens')).toBe(300)
    expect(used(window, 'requests')).toBe(1)
  }
})

it('slot leaked by a 502: a request that never reached the provider is refunded in full', () => {
  const record = settle(charged(T0), { chargedAtMs: T0, reserved, actual: { requests: 0, tokens: 0 } })
  for (const window of Object.values(record.windows)) {
    expect(used(window, 'tokens')).toBe(0)
    expect(used(window, 'requests')).toBe(0)
  }
})

it('refunds the slot that was charged, so that it does not free another slot’s use', () => {
  const later = T0 + 30_000
  const both = acquireAt(charged(T0), { configured: [] }, 'm', reserved, later)
  if (both.status !== 'granted') throw new Error('nothing limits it')
  const record = settle(both.record, { chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 0 } })
  const whenFirstIsGone = advance(record, T0 + 62_000)
  expect(used(whenFirstIsGone.windows.minute, 'tokens')).toBe(1_000)
})

it('refunds only the windows that still hold the charge', () => {
  const now = advance(charged(T0), T0 + 10 * 60_000)
  const record = settle(now, { chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 400 } })
  expect(used(record.windows.minute, 'tokens')).toBe(0)
  expect(used(record.windows.hour, 'tokens')).toBe(400)
  expect(used(record.windows.day, 'tokens')).toBe(400)
})

it('charges use beyond the reservation now, even above the limit, and admits nothing until it has slid below', () => {
  const limits = [{ period: 'minute', metric: 'tokens', limit: 1_000 }] as const
  const now = advance(charged(T0), T0 + 20_000)
  const over = settle(now, { chargedAtMs: T0, reserved, actual: { requests: 1, tokens: 2_500 } })
  expect(used(over.windows.minute, 'tokens')).toBe(2_500)
  const free = { requests: 1, tokens: 0 }
  expect(acquireAt(over, { configured: limits }, 'm', free, T0 + 20_000)).toMatchObject({
    code: 'capacity_exceeded',
    retryAfterMs: 61_000,
  })
  expect(acquireAt(over, { configured: limits }, 'm', free, T0 + 81_000).status).toBe('granted')
})
