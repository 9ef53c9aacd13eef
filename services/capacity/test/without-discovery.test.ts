import { CONNECTION_DEFAULTS, connectionProjection, discovered, instancePermitBatch } from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { type DeployedNats, deployedNats, eventually } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

let nats: DeployedNats
let instance: Service | undefined
const buses: Bus[] = []

beforeAll(async () => {
  nats = await deployedNats()
})
afterAll(async () => {
  await instance?.stop()
  await Promise.all(buses.map((bus) => bus.close()))
  await nats.stop()
})

async function connectAs(user: 'connections' | 'discovery' | 'gateway'): Promise<Bus> {
  const bus = await connectBus({ servers: nats.url, name: user, user, password: nats.passwords[user] })
  buses.push(bus)
  return bus
}

it('grants permits before discovery has ever run, and enforces discovered limits once it has', async () => {
  const connections = await openBucket(await connectAs('connections'), connectionProjection)
  await connections.put('c', {
    id: 'c',
    name: 'c',
    provider: 'openai',
    config: {},
    ...CONNECTION_DEFAULTS,
    enforceDiscovered: true,
    version: 1,
  })
  const env = { NATS_URL: nats.url, NATS_USER: 'capacity', NATS_PASSWORD: nats.passwords.capacity }
  instance = await start(
    readConfig(CapacityConfig, { ...env, CAPACITY_INSTANCE: 'one' }),
    createLogger('capacity', 'silent'),
  )
  const gateway = await connectAs('gateway')
  let seq = 0
  const acquire = async () => {
    const acquires = [{ model: 'm', requests: 2, tokens: 0 }]
    const permitBatch = { gateway: 'g', seq: ++seq, asOfMs: Date.now(), acquires, settlements: [] }
    return (await request(gateway, instancePermitBatch, ['one', 'c'], permitBatch)).results[0]
  }
  expect(await acquire()).toMatchObject({ status: 'granted' })

  const bucket = await openBucket(await connectAs('discovery'), discovered)
  const seen = { firstSeenAtMs: Date.now(), lastSeenAtMs: Date.now(), changes: 0 }
  const limit = { model: 'm', dimension: 'requests', limit: 3, periodMs: 60_000, ...seen }
  await bucket.put('c', { connectionId: 'c', limits: [limit] })
  await eventually(async () =>
    expect(await acquire()).toMatchObject({ code: 'capacity_exceeded', limit: 3, model: 'm' }),
  )
})
