import { type PermitBatchReply, type PermitBatchRequest, permitBatch, SluiceError } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import type { EnforcedLimits } from '../record/limits.ts'
import { type CapacityRecord, emptyRecord } from '../record/record.ts'
import { used } from '../record/window.ts'
import { CommitFailedError, createGroupCommit } from './group-commit.ts'
import type { RecordStore } from './record-store.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const LIMIT = 25
const limits: EnforcedLimits = { configured: [{ period: 'minute', metric: 'requests', limit: LIMIT }] }
const limitsSource = { limitsFor: () => limits, lookUp: () => Promise.resolve(limits) }

/** What happens to a write: it is stored, or the writer gets no confirmation, whether or not it was carried out. */
type WriteFate = 'stored' | 'lost before' | 'lost after'

/**
 * A store whose writes meet the given fates in turn. Each operation takes a turn of the event loop, so that instances
 * interleave.
 */
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
      if (fate === 'lost before') throw new Error('not confirmed')
      if (expectedRevision !== revision) return { status: 'conflict' }
      record = next
      revision++
      if (fate === 'lost after') throw new Error('not confirmed')
      return { status: 'stored', revision }
    },
    doubt: () => undefined,
    erase: () => Promise.resolve(),
  }
  return { store, current: () => record }
}

/** Time in which only back-offs pass. */
function simulatedTime() {
  let nowMs = NOW_MS
  const backOffsMs: number[] = []
  const clock = { nowMs: () => Math.floor(nowMs) }
  const pass = (durationMs: number) => {
    nowMs += durationMs
  }
  const sleep = async (durationMs: number) => {
    backOffsMs.push(durationMs)
    pass(durationMs)
  }
  return { clock, sleep, pass, backOffsMs }
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
      const { clock, sleep } = simulatedTime()
      const deps = { store, limits: limitsSource, clock, sleep }
      const instances = [createGroupCommit('c', deps), createGroupCommit('c', deps)]
      let granted = 0
      await Promise.all(
        batchesOfSessions.map(async (batches, session) => {
          for (const [index, count] of batches.entries()) {
            /** As a gateway does: repeats the batch until it is decided, with another instance each time. */
            const decided = async (attempt: number): Promise<PermitBatchReply> => {
              const instance = instances[(session + attempt) % 2]
              if (instance === undefined) throw new Error('there are two instances')
              try {
                return await instance.apply(batchOf(`g${session}`, index + 1, count, attempt > 0))
              } catch (error) {
                if (!(error instanceof CommitFailedError)) throw error
                return decided(attempt + 1)
              }
            }
            const first = await decided(0)
            // As after a lost reply: the same batch once more.
            const again = await decided(1)
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

function countingWrites(store: RecordStore) {
  let writes = 0
  const counting: RecordStore = {
    ...store,
    save: (...write) => {
      writes++
      return store.save(...write)
    },
  }
  return { store: counting, writes: () => writes }
}

it('writes once for all batches that wait', async () => {
  const { store, writes } = countingWrites(storeWith([]).store)
  const counter = createGroupCommit('c', { store, limits: limitsSource, clock: { nowMs: () => NOW_MS } })
  const replies = await Promise.all(Array.from({ length: 100 }, (_, i) => counter.apply(batchOf(`g${i}`, 1, 1, false))))
  expect(writes()).toBe(1)
  expect(replies.reduce((sum, reply) => sum + grantedIn(reply), 0)).toBe(LIMIT)
})

it('rejects as unavailable while the record cannot be read, and works again afterwards', async () => {
  let isAway = true
  const { store } = storeWith([])
  const away: RecordStore = {
    ...store,
    load: (id) => (isAway ? Promise.reject(new Error('away')) : store.load(id)),
  }
  const counter = createGroupCommit('c', { store: away, limits: limitsSource, clock: { nowMs: () => NOW_MS } })
  await expect(counter.apply(batchOf('g', 1, 1, false))).rejects.toMatchObject({ code: 'unavailable' })
  isAway = false
  expect(grantedIn(await counter.apply(batchOf('g', 1, 1, true)))).toBe(1)
})

it('retries a conflict at once', async () => {
  const { store } = storeWith([])
  const time = simulatedTime()
  let conflicts = 3
  const contended: RecordStore = {
    ...store,
    save: (...write) => (conflicts-- > 0 ? Promise.resolve({ status: 'conflict' }) : store.save(...write)),
  }
  const counter = createGroupCommit('c', { ...time, store: contended, limits: limitsSource })
  expect(grantedIn(await counter.apply(batchOf('g', 1, 1, false)))).toBe(1)
  expect(time.backOffsMs).toEqual([])
})

it('retries a failing write with growing back-off for as long as a gateway waits, then rejects with the reason', async () => {
  const { store, writes } = countingWrites({
    ...storeWith([]).store,
    save: () => Promise.reject(new SluiceError('unavailable', 'no room left')),
  })
  const time = simulatedTime()
  const counter = createGroupCommit('c', { ...time, store, limits: limitsSource })
  const failure = await counter.apply(batchOf('g', 1, 1, false)).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(CommitFailedError)
  expect(failure).toMatchObject({ code: 'unavailable', message: 'no room left', writes: writes() })
  expect(writes()).toBe(time.backOffsMs.length + 1)
  expect(writes()).toBeLessThanOrEqual(6)
  expect(time.backOffsMs.length).toBeGreaterThanOrEqual(3)
  expect(time.clock.nowMs() - NOW_MS).toBeLessThanOrEqual(permitBatch.timeoutMs)
  for (const [index, durationMs] of time.backOffsMs.entries()) {
    expect(durationMs).toBeGreaterThanOrEqual(12.5 * 2 ** index)
    expect(durationMs).toBeLessThanOrEqual(25 * 2 ** index)
  }
})

it('looks at the record after an unconfirmed write, and writes nothing again that it contains', async () => {
  const { store, writes } = countingWrites(storeWith(['lost after']).store)
  const time = simulatedTime()
  const counter = createGroupCommit('c', { ...time, store, limits: limitsSource })
  expect(grantedIn(await counter.apply(batchOf('g', 1, 2, false)))).toBe(2)
  expect(writes()).toBe(1)
  expect(time.backOffsMs).toEqual([])
})

it('charges at the time of the write that succeeds, not of one that failed before', async () => {
  const { store } = storeWith(['lost before', 'lost before'])
  const time = simulatedTime()
  const counter = createGroupCommit('c', { ...time, store, limits: limitsSource })
  const { results } = await counter.apply(batchOf('g', 1, 1, false))
  expect(time.clock.nowMs()).toBeGreaterThan(NOW_MS)
  expect(results).toEqual([{ status: 'granted', chargedAtMs: time.clock.nowMs() }])
})

const onLoss = vi.fn()

/** A store that the test can roll back. */
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

it('reads the record again once it is in doubt: a rolled-back store may give a revision to another state', async () => {
  onLoss.mockClear()
  const { store, state } = rollableStore()
  const counter = createGroupCommit('c', {
    store,
    limits: limitsSource,
    clock,
    losses: { suspected: () => undefined, onLoss },
  })
  await counter.apply(batchOf('g1', 1, 3, false))
  const before = { ...state }
  await counter.apply(batchOf('g1', 2, 3, false))
  // The second write is lost, and another instance has written since: the same revision, other charges.
  Object.assign(state, before)
  const other = createGroupCommit('c', { store, limits: limitsSource, clock })
  await other.apply(batchOf('g2', 1, LIMIT - 3, false))
  expect(state.revision).toBe(2)
  counter.distrust()
  const reply = await counter.apply({ ...batchOf('g1', 3, 1, false), stored: { seq: 2, atMs: NOW_MS } })
  expect(grantedIn(reply)).toBe(0)
  expect(onLoss).toHaveBeenCalledTimes(1)
})

it('notices that the store is behind a version it has seen, and counts what may have been lost as used', async () => {
  onLoss.mockClear()
  const { store } = storeWith([])
  let isRolledBack = false
  const rolledBack: RecordStore = {
    ...store,
    load: async (id) => (isRolledBack ? { record: emptyRecord(), revision: 1 } : store.load(id)),
    save: async (id, record, expectedRevision) =>
      isRolledBack ? { status: 'stored', revision: expectedRevision + 1 } : store.save(id, record, expectedRevision),
  }
  const counter = createGroupCommit('c', {
    store: rolledBack,
    limits: limitsSource,
    clock,
    losses: { suspected: () => undefined, onLoss },
  })
  for (let seq = 1; seq <= 3; seq++) await counter.apply(batchOf('g', seq, 2, false))
  isRolledBack = true
  counter.distrust()
  expect(grantedIn(await counter.apply(batchOf('g', 4, 1, false)))).toBe(0)
  expect(onLoss).toHaveBeenCalledWith('c', expect.objectContaining({ untilMs: NOW_MS }))
  expect(onLoss.mock.calls[0]?.[1].assumed).toMatchObject([{ period: 'minute', amount: LIMIT }])
})

it('counts as used what a suspected power cut may have taken from an existing record', async () => {
  onLoss.mockClear()
  const suspected = () => ({ fromMs: NOW_MS - 60_000, untilMs: NOW_MS })
  const { store } = storeWith([])
  const before = createGroupCommit('c', { store, limits: limitsSource, clock })
  const losses = { suspected, onLoss }
  const fresh = createGroupCommit('c', { store, limits: limitsSource, clock, losses })
  expect(grantedIn(await fresh.apply(batchOf('g', 1, 1, false)))).toBe(1)
  await before.apply(batchOf('h', 1, 1, false))
  const after = createGroupCommit('c', { store, limits: limitsSource, clock, losses })
  expect(grantedIn(await after.apply(batchOf('g', 2, 1, false)))).toBe(0)
})

it('counts as used what a missing record may have counted, unless its connection is younger than the loss', async () => {
  const later = { nowMs: () => NOW_MS + 1 }
  const losses = { suspected: () => ({ fromMs: NOW_MS - 1, untilMs: NOW_MS, vanished: true as const }), onLoss }
  const grantedTo = async (connectionId: string): Promise<number[]> => {
    const { store } = storeWith([])
    const counter = createGroupCommit(connectionId, { store, limits: limitsSource, clock: later, losses })
    const replies = [1, 2].map((seq) => counter.apply(batchOf('g', seq, 1, false)))
    return (await Promise.all(replies)).map(grantedIn)
  }
  expect(await grantedTo('c')).toEqual([0, 0])
  expect(await grantedTo(uuidOf(NOW_MS + 1))).toEqual([0, 0])
  expect(await grantedTo(uuidOf(NOW_MS + 600_000))).toEqual([1, 1])
})

/** Returns the id of a connection that was created at this instant. */
function uuidOf(atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-0123456789ab`
}

it('has a store checked that returns no record and accepts none, and works again once it is repaired', async () => {
  const { store } = storeWith([])
  let isBroken = true
  const broken: RecordStore = {
    ...store,
    save: (...write) => (isBroken ? Promise.resolve({ status: 'conflict' }) : store.save(...write)),
    doubt: () => {
      isBroken = false
    },
  }
  const counter = createGroupCommit('c', { store: broken, limits: limitsSource, clock })
  await expect(counter.apply(batchOf('g', 1, 1, false))).rejects.toMatchObject({ code: 'unavailable' })
  expect(grantedIn(await counter.apply(batchOf('g', 1, 1, true)))).toBe(1)
})

it('gives up after one write when its confirmation takes longer than a gateway waits', async () => {
  const time = simulatedTime()
  const { store, writes } = countingWrites({
    ...storeWith([]).store,
    save: () => {
      time.pass(1_000)
      return Promise.reject(new SluiceError('unavailable', 'no room left'))
    },
  })
  const counter = createGroupCommit('c', { ...time, store, limits: limitsSource })
  await expect(counter.apply(batchOf('g', 1, 1, false))).rejects.toMatchObject({
    code: 'unavailable',
    message: 'no room left',
  })
  expect(writes()).toBe(1)
})

it('recognizes the loss of a version that it has only read, and two instances make up for one loss once', async () => {
  onLoss.mockClear()
  const { store, state } = rollableStore()
  const instance = () =>
    createGroupCommit('c', { store, limits: limitsSource, clock, losses: { suspected: () => undefined, onLoss } })
  const [reader, writer] = [instance(), instance()]
  const before = { ...state }
  await writer.apply(batchOf('g1', 1, LIMIT, false))
  expect(grantedIn(await reader.apply(batchOf('g2', 1, 1, false)))).toBe(0)
  Object.assign(state, before)
  for (const each of [reader, writer]) each.distrust()
  expect(grantedIn(await reader.apply(batchOf('g2', 2, 1, false)))).toBe(0)
  expect(grantedIn(await writer.apply(batchOf('g3', 1, 1, false)))).toBe(0)
  expect(onLoss).toHaveBeenCalledTimes(1)
})

it('decides no earlier than a batch was made, however far behind its own clock is', async () => {
  const { store, current } = storeWith([])
  const behind = createGroupCommit('c', { store, limits: limitsSource, clock: { nowMs: () => NOW_MS - 130_000 } })
  await behind.apply(batchOf('g', 1, 1, false))
  expect(current().clockMs).toBe(NOW_MS)
})
