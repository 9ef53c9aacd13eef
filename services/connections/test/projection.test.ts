import { connectionProjection, type ProjectedConnection } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket } from '@sluice/messaging'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openProjection, type ProjectedTable, type Projection } from '../src/bus/projection.ts'

let nats: TestNats
let bus: Bus
const opened: Projection[] = []
const faults: unknown[] = []
beforeAll(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
})
afterEach(() => {
  for (const projection of opened.splice(0)) projection.stop()
  expect(faults.splice(0)).toEqual([])
})
afterAll(async () => {
  await bus.close()
  await nats.stop()
})

/** A table of one key, as it is committed when it is read. */
function tableOf(key: string, committed: () => ProjectedConnection | undefined) {
  const read = async () => {
    const value = committed()
    return value === undefined ? new Map() : new Map([[key, value]])
  }
  return { some: read, all: read }
}

async function open(table: ProjectedTable<ProjectedConnection>): Promise<Projection> {
  const projection = await openProjection(bus, connectionProjection, table, {
    onFault: (error) => faults.push(error),
    onUnreadable: () => undefined,
  })
  opened.push(projection)
  return projection
}

it('never replaces a newer state by an older one, however long a writer was delayed', async () => {
  let committed = projected(1)
  const heldUp = Promise.withResolvers<void>()
  const hasRead = Promise.withResolvers<void>()
  const table = tableOf('c', () => committed)
  let reads = 0
  const slow = await open({
    ...table,
    some: async () => {
      const value = await table.all()
      if (++reads === 1) {
        hasRead.resolve()
        await heldUp.promise
      }
      return value
    },
  })
  const fast = await open(table)
  const syncing = slow.sync(['c'])
  await hasRead.promise
  committed = projected(2)
  await fast.sync(['c'])
  heldUp.resolve()
  await syncing
  const bucket = await openBucket(bus, connectionProjection)
  expect((await bucket.get('c')).value).toEqual(projected(2))
})

it('writes nothing if nothing has changed', async () => {
  const bucket = await openBucket(bus, connectionProjection)
  const table = tableOf('d', () => projected(1))
  await (await open(table)).sync(['d'])
  const { revision } = await bucket.get('d')
  const projection = await open(table)
  await projection.sync(['d'])
  await projection.reconcile()
  expect((await bucket.get('d')).revision).toBe(revision)
})

it('writes a delete marker for a missing row, even if the bucket has no entry', async () => {
  const bucket = await openBucket(bus, connectionProjection)
  const projection = await open(tableOf('never', () => undefined))
  await projection.sync(['never'])
  const { value, revision } = await bucket.get('never')
  expect(value).toBeUndefined()
  expect(revision).toBeGreaterThan(0)
})

it('marks a reconciled bucket as complete, but not one that was recreated meanwhile', async () => {
  const change = new Map<string, unknown>()
  const bucket = await openBucket(bus, connectionProjection)
  let committed: ProjectedConnection | undefined = projected(1)
  const table = tableOf('h', () => committed)
  await (await open(table)).sync(['h'])
  const watch = await bucket.watch({ onEntry: ({ key, value }) => change.set(key, value), onFault: () => undefined })
  const early = await open(table)
  await bus.jetstreamManager.streams.delete('KV_connections')
  await openBucket(bus, connectionProjection)
  await watch.restart()
  await early.reconcile()
  early.stop()
  await bucket.put('later', projected(1))
  await eventually(() => expect(change.get('later')).toBeDefined())
  // It compared with what is lost, and wrote nothing.
  expect(change.get('h')).toEqual(projected(1))
  committed = undefined
  await (await open(table)).reconcile()
  await eventually(() => expect(change.get('h')).toBeUndefined())
  watch.stop()
})

describe('a foreign write to the bucket', () => {
  it.each([
    ['another state', async (bucket: Bucket<ProjectedConnection>) => bucket.put('e', projected(9))],
    ['a delete marker', async (bucket: Bucket<ProjectedConnection>) => bucket.delete('e')],
    ['what is not of its shape', () => bus.jetstream.publish('$KV.connections.e', 'nothing of ours')],
    [
      'many of them',
      () => Promise.all(Array.from({ length: 50 }, () => bus.jetstream.publish('$KV.connections.e', ''))),
    ],
  ])('is replaced within a second: %s', async (_, write) => {
    const bucket = await openBucket(bus, connectionProjection)
    await (await open(tableOf('e', () => projected(1)))).sync(['e'])
    await write(bucket)
    await eventually(async () => expect(await bucket.get('e')).toMatchObject({ value: projected(1) }), {
      timeoutMs: 1_000,
    })
  })

  it('is deleted if the table has no such row', async () => {
    const bucket = await openBucket(bus, connectionProjection)
    await open(tableOf('f', () => undefined))
    await bucket.put('f', projected(1))
    await eventually(async () => expect((await bucket.get('f')).value).toBeUndefined(), { timeoutMs: 1_000 })
  })

  it('never appears deleted while it is replaced', async () => {
    const bucket = await openBucket(bus, connectionProjection)
    const deleted: string[] = []
    const watch = await bucket.watch({
      onEntry: ({ key, value }) => {
        if (key === 'g' && value === undefined) deleted.push(key)
      },
      onFault: () => undefined,
    })
    await bus.jetstream.publish('$KV.connections.g', 'nothing of ours')
    const projection = await open(tableOf('g', () => projected(1)))
    await projection.reconcile()
    await bus.jetstream.publish('$KV.connections.g', 'nothing of ours')
    await eventually(async () => expect(await bucket.get('g')).toMatchObject({ value: projected(1) }))
    watch.stop()
    expect(deleted).toEqual([])
  })
})

function projected(version: number): ProjectedConnection {
  return {
    id: 'c',
    name: 'c',
    provider: 'openai',
    config: {},
    capacity: [],
    defaultMaxOutputTokens: 1,
    tokenReservation: 'maximum',
    onCapacityUnavailable: 'reject',
    maxWaitMs: 0,
    enabled: true,
    version,
  }
}
