import { type PermitBatchReply, type PermitBatchRequest, SluiceError } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { HeldLimits } from '../record/limits.ts'
import { type CapacityRecord, emptyRecord } from '../record/record.ts'
import { used } from '../record/window.ts'
import { groupCommit } from './group-commit.ts'
import type { RecordStore } from './record-store.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const LIMIT = 25
const limits: HeldLimits = { configured: [{ period: 'minute', metric: 'requests', limit: LIMIT }] }
const limitsSource = { limitsFor: () => limits, lookUp: () => Promise.resolve(limits) }

/** What happens to one write: it works, or its outcome stays unknown to the writer, whether or not it was carried out. */
type WriteFate = 'stored' | 'lost before' | 'lost after'

/** A store whose writes meet the fates given, one after the other; each operation takes a turn, so that instances interleave. */
function storeWith(fates: WriteFate[]) {
  let record: CapacityRecord = emptyRecord()
  let revision = 0
  const store: RecordStore = {
    load: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return { record, revision }
    },
    save: async (_, next, expectedRevision) => {
      await new Promise((resolve) => setImmediate(resolve))
      const fate = fates.shift() ?? 'stored'
      if (fate === 'lost before') throw new Error('no answer')
      if (expectedRevision !== revision) return { status: 'conflict' }
      record = next
      revision++
      if (fate === 'lost after') throw new Error('no answer')
      return { status: 'stored', revision }
    },
    doubt: () => undefined,
    erase: () => Promise.resolve(),
  }
  return { store, current: () => record }
}

const fatesArbitrary = fc.array(fc.constantFrom<WriteFate>('stored', 'lost before', 'lost after'), { maxLength: 12 })

function batchOf(gateway: string, seq: number, count: number, repeat: boolean): PermitBatchRequest {
  const acquires = Array.from({ length: count }, () => ({ model: 'm', requests: 1, tokens: 1 }))
  return { gateway, seq, asOfMs: NOW_MS, acquires, settlements: [], ...(repeat ? { repeat } : {}) }
}

const grantedIn = ({ results }: PermitBatchReply) => results.filter(({ status }) => status === 'granted').length

it('grants what is charged and charges what is granted, whatever becomes of its writes and whoever else writes', async () => {
  const sessions = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 6,
  })
  await fc.assert(
    fc.asyncProperty(fatesArbitrary, sessions, async (fates, batchesOfSessions) => {
      const { store, current } = storeWith([...fates])
      const parts = { store, limits: limitsSource, clock: { nowMs: () => NOW_MS } }
      const instances = [groupCommit('c', parts), groupCommit('c', parts)]
      let granted = 0
      await Promise.all(
        batchesOfSessions.map(async (exchanges, session) => {
          for (const [index, count] of exchanges.entries()) {
            const body = (repeat: boolean) => batchOf(`g${session}`, index + 1, count, repeat)
            const first = await instances[session % 2]?.permitBatch(body(false))
            // As after a lost reply: the same exchange once more, to the other instance.
            const again = await instances[(session + 1) % 2]?.permitBatch(body(true))
            if (first === undefined || again === undefined) throw new Error('there are two instances')
            if (grantedIn(first) > 0) expect(again.results).toEqual(first.results)
            granted += grantedIn(again)
          }
        }),
      )
      expect(granted).toBeLessThanOrEqual(LIMIT)
      expect(used(current().windows.minute, 'requests')).toBe(granted)
    }),
    { numRuns: 300 },
  )
})

it('writes once for all that wait', async () => {
  let writes = 0
  const { store } = storeWith([])
  const counting: RecordStore = {
    ...store,
    save: (...write) => {
      writes++
      return store.save(...write)
    },
  }
  const counter = groupCommit('c', { store: counting, limits: limitsSource, clock: { nowMs: () => NOW_MS } })
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, i) => counter.permitBatch(batchOf(`g${i}`, 1, 1, false))),
  )
  expect(writes).toBe(1)
  expect(replies.reduce((sum, reply) => sum + grantedIn(reply), 0)).toBe(LIMIT)
})

it('answers unavailable, and works again later, when the store stays away', async () => {
  let isAway = true
  const { store } = storeWith([])
  const away: RecordStore = {
    ...store,
    load: (id) => (isAway ? Promise.reject(new Error('away')) : store.load(id)),
  }
  const counter = groupCommit('c', { store: away, limits: limitsSource, clock: { nowMs: () => NOW_MS } })
  await expect(counter.permitBatch(batchOf('g', 1, 1, false))).rejects.toMatchObject({ code: 'unavailable' })
  isAway = false
  expect(grantedIn(await counter.permitBatch(batchOf('g', 1, 1, true)))).toBe(1)
})

const onLoss = vi.fn()

/** A store whose state the test can set back. */
function rollableStore() {
  const state = { record: emptyRecord(), revision: 0 }
  const store: RecordStore = {
    load: async () => ({ ...state }),
    save: async (_, record, expectedRevision) => {
      if (expectedRevision !== state.revision) return { status: 'conflict' }
      return { status: 'stored', revision: Object.assign(state, { record, revision: state.revision + 1 }).revision }
    },
    doubt: () => undefined,
    erase: () => Promise.resolve(),
  }
  return { store, state }
}

const clock = { nowMs: () => NOW_MS }

it('believes nothing that it remembers once it is in doubt: a rolled-back store may give a revision to another state', async () => {
  onLoss.mockClear()
  const { store, state } = rollableStore()
  const counter = groupCommit('c', {
    store,
    limits: limitsSource,
    clock,
    losses: { suspected: () => undefined, onLoss },
  })
  await counter.permitBatch(batchOf('g1', 1, 3, false))
  const before = { ...state }
  await counter.permitBatch(batchOf('g1', 2, 3, false))
  // The second write is lost, and another instance has written since: the same revision, other charges.
  Object.assign(state, before)
  const other = groupCommit('c', { store, limits: limitsSource, clock })
  await other.permitBatch(batchOf('g2', 1, LIMIT - 3, false))
  expect(state.revision).toBe(2)
  counter.distrust()
  const reply = await counter.permitBatch({ ...batchOf('g1', 3, 1, false), stored: { seq: 2, atMs: NOW_MS } })
  expect(grantedIn(reply)).toBe(0)
  expect(onLoss).toHaveBeenCalledTimes(1)
})

it('finds by itself that the store holds an older state than it has seen, and lets nothing through that may have been lost', async () => {
  onLoss.mockClear()
  const { store } = storeWith([])
  let isRolledBack = false
  const rolledBack: RecordStore = {
    ...store,
    load: async (id) => (isRolledBack ? { record: emptyRecord(), revision: 1 } : store.load(id)),
    save: async (id, record, expectedRevision) =>
      isRolledBack ? { status: 'stored', revision: expectedRevision + 1 } : store.save(id, record, expectedRevision),
  }
  const counter = groupCommit('c', {
    store: rolledBack,
    limits: limitsSource,
    clock,
    losses: { suspected: () => undefined, onLoss },
  })
  for (let seq = 1; seq <= 3; seq++) await counter.permitBatch(batchOf('g', seq, 2, false))
  isRolledBack = true
  counter.distrust()
  expect(grantedIn(await counter.permitBatch(batchOf('g', 4, 1, false)))).toBe(0)
  expect(onLoss).toHaveBeenCalledWith('c', expect.objectContaining({ untilMs: NOW_MS }))
  expect(onLoss.mock.calls[0]?.[1].assumed).toMatchObject([{ period: 'minute', amount: LIMIT }])
})

it('counts as used what a suspected power cut may have taken, of records that were there before', async () => {
  onLoss.mockClear()
  const suspected = () => ({ fromMs: NOW_MS - 60_000, untilMs: NOW_MS })
  const { store } = storeWith([])
  const before = groupCommit('c', { store, limits: limitsSource, clock })
  const losses = { suspected, onLoss }
  const fresh = groupCommit('c', { store, limits: limitsSource, clock, losses })
  expect(grantedIn(await fresh.permitBatch(batchOf('g', 1, 1, false)))).toBe(1)
  await before.permitBatch(batchOf('h', 1, 1, false))
  const after = groupCommit('c', { store, limits: limitsSource, clock, losses })
  expect(grantedIn(await after.permitBatch(batchOf('g', 2, 1, false)))).toBe(0)
})

it('counts as used what records that are missing may have held, and goes on with connections that are younger', async () => {
  const later = { nowMs: () => NOW_MS + 1 }
  const losses = { suspected: () => ({ fromMs: NOW_MS - 1, untilMs: NOW_MS, vanished: true as const }), onLoss }
  const grantedTo = async (connectionId: string): Promise<number[]> => {
    const { store } = storeWith([])
    const counter = groupCommit(connectionId, { store, limits: limitsSource, clock: later, losses })
    const replies = [1, 2].map((seq) => counter.permitBatch(batchOf('g', seq, 1, false)))
    return (await Promise.all(replies)).map(grantedIn)
  }
  expect(await grantedTo('c')).toEqual([0, 0])
  expect(await grantedTo(uuidOf(NOW_MS + 1))).toEqual([0, 0])
  expect(await grantedTo(uuidOf(NOW_MS + 600_000))).toEqual([1, 1])
})

/** A connection's id that was made at this instant. */
function uuidOf(atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-0123456789ab`
}

it('has a store looked at that says there is no record and takes none, and works again when it is mended', async () => {
  const { store } = storeWith([])
  let isBroken = true
  const broken: RecordStore = {
    ...store,
    save: (...write) => (isBroken ? Promise.resolve({ status: 'conflict' }) : store.save(...write)),
    doubt: () => {
      isBroken = false
    },
  }
  const counter = groupCommit('c', { store: broken, limits: limitsSource, clock })
  await expect(counter.permitBatch(batchOf('g', 1, 1, false))).rejects.toMatchObject({ code: 'unavailable' })
  expect(grantedIn(await counter.permitBatch(batchOf('g', 1, 1, true)))).toBe(1)
})

it('says soon what keeps the store from confirming, instead of trying for as long as gateways would wait', async () => {
  const { store } = storeWith([])
  let nowMs = NOW_MS
  let writes = 0
  const full: RecordStore = {
    ...store,
    save: () => {
      writes++
      nowMs += 1_000
      return Promise.reject(new SluiceError('unavailable', 'no room left'))
    },
  }
  const counter = groupCommit('c', { store: full, limits: limitsSource, clock: { nowMs: () => nowMs } })
  await expect(counter.permitBatch({ ...batchOf('g', 1, 1, false), asOfMs: nowMs })).rejects.toMatchObject({
    code: 'unavailable',
    message: 'no room left',
  })
  expect(writes).toBe(1)
})

it('knows a state that another instance wrote and it has only read, and makes up for one loss once', async () => {
  onLoss.mockClear()
  const { store, state } = rollableStore()
  const instance = () =>
    groupCommit('c', { store, limits: limitsSource, clock, losses: { suspected: () => undefined, onLoss } })
  const [reader, writer] = [instance(), instance()]
  const before = { ...state }
  await writer.permitBatch(batchOf('g1', 1, LIMIT, false))
  expect(grantedIn(await reader.permitBatch(batchOf('g2', 1, 1, false)))).toBe(0)
  Object.assign(state, before)
  for (const each of [reader, writer]) each.distrust()
  expect(grantedIn(await reader.permitBatch(batchOf('g2', 2, 1, false)))).toBe(0)
  expect(grantedIn(await writer.permitBatch(batchOf('g3', 1, 1, false)))).toBe(0)
  expect(onLoss).toHaveBeenCalledTimes(1)
})

it('decides no earlier than an exchange was made, however far behind its own clock is', async () => {
  const { store, current } = storeWith([])
  const behind = groupCommit('c', { store, limits: limitsSource, clock: { nowMs: () => NOW_MS - 130_000 } })
  await behind.permitBatch(batchOf('g', 1, 1, false))
  expect(current().clockMs).toBe(NOW_MS)
})
