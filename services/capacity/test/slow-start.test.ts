import { once } from 'node:events'
import net from 'node:net'
import { CONNECTION_DEFAULTS, connectionProjection, instancePermitBatch } from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig } from '@sluice/service-kit'
import { type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

let nats: TestNats
let bus: Bus
let way: net.Server | undefined

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...CONNECTION_DEFAULTS, version: 1 })
})

afterEach(async () => {
  way?.close()
  await bus.close()
  await nats.stop()
})

/**
 * A way to NATS on which what follows the first request for `subject` comes late, as from a slow disk. Returns its
 * URL.
 */
async function slowWay(subject: string, lateMs: number): Promise<{ url: string; wasHeld: () => boolean }> {
  let wasHeld = false
  const target = Number(new URL(nats.url).port)
  way = net.createServer((client) => {
    const server = net.connect(target, '127.0.0.1')
    client.on('data', (bytes) => {
      if (!wasHeld && bytes.includes(subject)) {
        wasHeld = true
        server.pause()
        setTimeout(() => server.resume(), lateMs)
      }
      server.write(bytes)
    })
    server.on('data', (bytes) => client.write(bytes))
    server.on('close', () => client.destroy()).on('error', () => client.destroy())
    client.on('close', () => server.destroy()).on('error', () => server.destroy())
  })
  way.listen(0, '127.0.0.1')
  await once(way, 'listening')
  const address = way.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on a port')
  return { url: `nats://127.0.0.1:${address.port}`, wasHeld: () => wasHeld }
}

it.each([
  '$JS.API.STREAM.INFO.KV_connections',
  '$JS.API.STREAM.CREATE.KV_capacity ',
  '$JS.API.STREAM.CREATE.KV_capacity-clock',
  '$JS.API.STREAM.CREATE.KV_capacity-members',
  '$KV.capacity-clock.',
  '$KV.capacity.',
  '$JS.API.CONSUMER.CREATE.KV_connections',
])(
  'starts, and grants permits, when NATS takes longer than a request for %s',
  async (subject) => {
    const { url, wasHeld } = await slowWay(subject, 1_500)
    const settings = readConfig(CapacityConfig, { NATS_URL: url, CAPACITY_INSTANCE: 'one' })
    const instance = await start(settings, createLogger('capacity', 'silent'))
    try {
      expect(wasHeld()).toBe(true)
      const acquires = [{ model: 'm', requests: 1, tokens: 1 }]
      const permitBatch = { gateway: 'g', seq: 1, asOfMs: Date.now(), acquires, settlements: [] }
      const { results } = await request(bus, instancePermitBatch, ['one', 'c'], permitBatch)
      expect(results).toMatchObject([{ status: 'granted' }])
    } finally {
      await instance.stop()
    }
  },
  30_000,
)
