import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CONNECTION_DEFAULTS,
  capacityHealth,
  capacityMembers,
  connectionProjection,
  instancePermitBatch,
  type ProjectedConnection,
} from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import {
  type DeployedNats,
  deployedNats,
  eventually,
  FOREIGN_WRITES,
  HEARTBEATS,
  itWhere,
  natsServerPath,
  oldNatsServer,
  prepareForeignWrites,
  temporaryFolder,
  writeForeign,
} from '@sluice/testkit'
import { afterEach, expect } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const BOOT_ID = 'b-7'
const LIMIT = 10
let nats: DeployedNats
let instance: Service | undefined
let connections: Bucket<ProjectedConnection>
const buses: Bus[] = []

afterEach(async () => {
  await instance?.stop()
  instance = undefined
  await Promise.all(buses.splice(0).map((bus) => bus.close()))
  await nats.stop()
})

async function connectAs(user: 'connections' | 'gateway'): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name: user, user, password: nats.passwords[user] })
  buses.push(bus)
  return bus
}

async function startInstance(): Promise<void> {
  const bootIdFile = join(await temporaryFolder(), 'boot-id')
  await writeFile(bootIdFile, BOOT_ID)
  const env = { NATS_URL: nats.url, NATS_USER: 'capacity', NATS_PASSWORD: nats.passwords.capacity }
  const settings = { ...env, CAPACITY_INSTANCE: 'one', BOOT_ID_FILE: bootIdFile }
  instance = await start(readConfig(CapacityConfig, settings), createLogger('capacity', 'silent'))
}

async function putConnection(): Promise<void> {
  const capacity = [{ period: 'hour' as const, requests: LIMIT }]
  await connections.put('c', {
    id: 'c',
    name: 'c',
    provider: 'openai',
    config: {},
    ...CONNECTION_DEFAULTS,
    capacity,
    version: 1,
  })
}

let gateways = 0
/** How many of `count` permits are granted. */
async function granted(gateway: Bus, count: number): Promise<number> {
  const acquires = Array.from({ length: count }, () => ({ model: 'm', requests: 1, tokens: 0 }))
  const permitBatch = { gateway: `g${++gateways}`, seq: 1, asOfMs: Date.now(), acquires, settlements: [] }
  const { results } = await request(gateway, instancePermitBatch, ['one', 'c'], permitBatch)
  return results.filter(({ status }) => status === 'granted').length
}

const oldServer = await oldNatsServer()
const servers = [
  { version: 'the current nats-server', path: natsServerPath() },
  { version: 'nats-server 2.9', path: oldServer },
]

for (const { version, path } of servers) {
  for (const write of FOREIGN_WRITES) {
    itWhere(
      path !== undefined,
      'there is no nats-server before 2.10',
      `no permit is lost or gained by ${write.what} where counters are looked for: ${version}`,
      async () => {
        nats = await deployedNats({ serverPath: path ?? '' })
        await prepareForeignWrites(nats)
        connections = await openBucket(await connectAs('connections'), connectionProjection)
        const gateway = await connectAs('gateway')
        await putConnection()
        await startInstance()
        expect(await granted(gateway, 2)).toBe(2)
        const spoil = async () => {
          const hidden = ['$KV.capacity.c', '$KV.capacity.health', `$KV.capacity-clock.${BOOT_ID}`]
          await writeForeign(nats, write, 'KV_capacity-members', '$KV.capacity-members.one', hidden)
          // A connection that seems to be none keeps its record.
          await writeForeign(nats, write, 'KV_connections', '$KV.connections.c')
        }
        await spoil()
        await writeForeign(nats, HEARTBEATS, 'KV_capacity-members', '$KV.capacity-members.one')
        await putConnection()
        expect(await eventually(() => granted(gateway, 2))).toBe(2)
        expect(await request(gateway, capacityHealth, [], {})).toMatchObject({ ready: true })

        // An instance that has nothing in memory.
        await instance?.stop()
        await spoil()
        await putConnection()
        await startInstance()
        expect(await eventually(() => granted(gateway, LIMIT))).toBe(LIMIT - 4)
        const members = await openBucket(gateway, capacityMembers)
        const alive: string[] = []
        const watch = await members.watch({ onEntry: ({ key }) => alive.push(key), onFault: () => undefined })
        await eventually(() => expect(alive).toContain('one'))
        watch.stop()
      },
      60_000,
    )
  }
}
