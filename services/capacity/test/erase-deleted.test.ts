import { CONNECTION_DEFAULTS, capacityRecords, connectionProjection, type ProjectedConnection } from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { type DeployedNats, deployedNats, eventually } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'
import { encodeRecord } from '../src/record/codec.ts'
import { emptyRecord } from '../src/record/record.ts'

/** What every instance writes beside the records, to see that the store works. */
const PROBE_KEY = 'health'

let nats: DeployedNats
let bus: Bus
let connections: Bucket<ProjectedConnection>
let records: Bucket<unknown>
let instance: Service | undefined

beforeEach(async () => {
  nats = await deployedNats()
  bus = await connectBus({ servers: nats.url, name: 'test', user: 'operator', password: nats.passwords.operator })
  connections = await openBucket(bus, connectionProjection)
  records = await openBucket(bus, capacityRecords)
})

afterEach(async () => {
  await instance?.stop()
  instance = undefined
  await bus.close()
  await nats.stop()
})

async function startInstance(): Promise<void> {
  const env = { NATS_URL: nats.url, NATS_USER: 'capacity', NATS_PASSWORD: nats.passwords.capacity }
  instance = await start(readConfig(CapacityConfig, env), createLogger('capacity', 'silent'))
}

const put = (id: string) =>
  connections.put(id, { id, name: id, provider: 'openai', config: {}, ...CONNECTION_DEFAULTS, version: 1 })

async function putDeleted(id: string): Promise<void> {
  await put(id)
  await connections.delete(id)
}

const isErased = (id: string) =>
  eventually(async () => expect(await records.get(id)).toMatchObject({ value: undefined, revision: 0 }), {
    timeoutMs: 20_000,
  })

/** A record whose last decision was so long before now. */
const recordOf = (ageMs: number) => encodeRecord({ ...emptyRecord(), clockMs: Date.now() - ageMs })
const DAY_MS = 86_400_000
const SPENT = 1.1 * DAY_MS

it('the records of deleted connections are erased, but for those in which something may still count', async () => {
  await put('there')
  // The server lists keys in their order: when the last is erased, all were looked at.
  for (const id of ['a-deleted', 'z-deleted']) await putDeleted(id)
  await putDeleted('b-counting')
  await records.put('b-counting', recordOf(DAY_MS))
  for (const id of ['a-deleted', 'absent', 'there', 'z-deleted']) await records.put(id, recordOf(SPENT))
  await startInstance()
  await isErased('z-deleted')
  expect((await records.keys()).toSorted()).toEqual(['absent', 'b-counting', PROBE_KEY, 'there'])
})

it('records are looked through again after a reconnect', async () => {
  await putDeleted('deleted')
  await startInstance()
  // As another instance leaves it that has not heard of the deletion yet.
  await records.put('deleted', recordOf(SPENT))
  await nats.kill()
  await nats.restart()
  await isErased('deleted')
})

it('a connection whose entry or record cannot be read keeps its record, and the sweep goes on', async () => {
  bus.connection.publish('$KV.connections.broken', 'not json')
  await bus.connection.flush()
  for (const id of ['unknown', 'zzz-deleted']) await putDeleted(id)
  for (const id of ['broken', 'zzz-deleted']) await records.put(id, recordOf(SPENT))
  await records.put('unknown', { v: 2 })
  await startInstance()
  await isErased('zzz-deleted')
  expect((await records.keys()).toSorted()).toEqual(['broken', PROBE_KEY, 'unknown'])
})
