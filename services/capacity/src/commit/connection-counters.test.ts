import { expect, it } from 'vitest'
import { emptyRecord, type RecordVersion } from '../record/record.ts'
import { createConnectionCounters } from './connection-counters.ts'
import type { RecordStore } from './record-store.ts'

function countersOn(stored: Map<string, RecordVersion>) {
  const store: RecordStore = {
    load: async (id) => stored.get(id) ?? { record: emptyRecord(), revision: 0 },
    save: async (id, record, expectedRevision) => {
      const revision = (stored.get(id)?.revision ?? 0) + 1
      if (expectedRevision !== revision - 1) return { status: 'conflict' }
      stored.set(id, { record, revision })
      return { status: 'stored', revision }
    },
    doubt: () => undefined,
    erase: async (id) => void stored.delete(id),
  }
  const limits = { configured: [{ period: 'minute', metric: 'requests', limit: 3 }] } as const
  const source = { limitsFor: () => limits, lookUp: async () => limits }
  return createConnectionCounters({ store, limits: source, clock: { nowMs: () => 1_000_000 } })
}

const batchOf = (seq: number, count: number) => ({
  gateway: 'g',
  seq,
  asOfMs: 1_000_000,
  acquires: Array.from({ length: count }, () => ({ model: 'm', requests: 1, tokens: 1 })),
  settlements: [],
})

it('releases records that were not used, and reads them again when they are', async () => {
  const counters = countersOn(new Map())
  await counters.apply('idle', batchOf(1, 2))
  await counters.apply('busy', batchOf(1, 1))
  counters.releaseIdle()
  expect(counters.size).toBe(2)
  await counters.apply('busy', batchOf(2, 1))
  counters.releaseIdle()
  expect(counters.size).toBe(1)
  const { results } = await counters.apply('idle', batchOf(2, 2))
  expect(results.map(({ status }) => status)).toEqual(['granted', 'denied'])
})

it('forgets a deleted connection here and in the store', async () => {
  const stored = new Map<string, RecordVersion>()
  const counters = countersOn(stored)
  await counters.apply('deleted', batchOf(1, 1))
  await counters.forget('deleted')
  expect(counters.size).toBe(0)
  expect(stored.size).toBe(0)
})
