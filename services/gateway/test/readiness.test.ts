import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import {
  apiKeyProjection,
  CONNECTION_DEFAULTS,
  capacityHealth,
  capacityRecords,
  connectionProjection,
  credential,
  SluiceError,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, type Served, serve } from '@sluice/messaging'
import { createAccessToken, createLogger, hashAccessToken, readConfig, type Service } from '@sluice/service-kit'
import {
  eventually,
  freePort,
  type TestNats,
  type TestServiceProcess,
  testNats,
  testServiceProcess,
} from '@sluice/testkit'
import sodium from 'libsodium-wrappers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sendRequest } from './support/send-request.ts'

/** A process takes seconds to start on a busy machine. */
const STARTING = { timeoutMs: 40_000 }
vi.setConfig({ testTimeout: 90_000 })

let nats: TestNats
let bus: Bus
let url: string
let gateway: TestServiceProcess | undefined
const started: { stop(): Promise<unknown> }[] = []

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
})

afterEach(async () => {
  await gateway?.kill()
  gateway = undefined
  for (const each of started.splice(0).toReversed()) await each.stop()
  await bus.close()
  await nats.stop()
})

async function startGatewayProcess(): Promise<TestServiceProcess> {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  gateway = testServiceProcess(new URL('../src/main.ts', import.meta.url), {
    NATS_URL: nats.url,
    GATEWAY_PORT: String(port),
  })
  return gateway
}

/** A connection `c`, and the headers of an application that may use it. */
async function addConnection(more: { readonly enabled?: boolean } = {}): Promise<Record<string, string>> {
  const connections = await openBucket(bus, connectionProjection)
  const settings = { id: 'c', name: 'c', provider: 'openai' as const, config: {}, credentialVersion: 1, version: 1 }
  await connections.put('c', { ...settings, ...CONNECTION_DEFAULTS, ...more })
  const apiKey = createAccessToken('slc')
  const keys = await openBucket(bus, apiKeyProjection)
  await keys.put(hashAccessToken(apiKey), { id: 'k', name: 'k', connections: '*' })
  return { authorization: `Bearer ${apiKey}` }
}

/** Replies in place of the connections service; with `fault` while it is given. */
async function startConnections(fault: () => SluiceError | undefined = () => undefined): Promise<Served> {
  await sodium.ready
  const responder = serve(
    bus,
    credential,
    ({ connectionId, version, publicKey }) => {
      const error = fault()
      if (error !== undefined) throw error
      const sealed = sodium.crypto_box_seal('{"apiKey":"sk-upstream"}', Buffer.from(publicKey, 'base64'))
      return { connectionId, version, sealed: Buffer.from(sealed).toString('base64') }
    },
    { onFault: () => undefined },
  )
  started.push(responder)
  await bus.connection.flush()
  return responder
}

async function startCapacityService(): Promise<Service> {
  const service = await startCapacity(
    readConfig(CapacityConfig, { NATS_URL: nats.url, CAPACITY_INSTANCE: 'one' }),
    createLogger('capacity', 'silent'),
  )
  started.push(service)
  return service
}

async function readyz(): Promise<{ status: number; body: unknown; tookMs: number }> {
  const askedAtMs = performance.now()
  const { status, body } = await sendRequest(`${url}/readyz`)
  return { status, body: JSON.parse(body.toString()), tookMs: performance.now() - askedAtMs }
}

const countOf = (text: string, part: string) => text.split(part).length - 1
const isUnready = (reason: string) => ({ status: 503, body: { status: 'unready', reasons: [reason] } })

describe('a gateway that starts', () => {
  it.each([
    ['is not there', undefined],
    ['has no database', new SluiceError('unavailable', 'The database is not reachable at the moment.')],
  ])('does not listen while the connections service %s, and serves once it returns credentials', async (_, error) => {
    const headers = await addConnection()
    let fault = error
    if (fault !== undefined) await startConnections(() => fault)
    const { output, ready } = await startGatewayProcess()
    await eventually(() => expect(output()).toContain('waiting for credentials'), STARTING)
    await expect(sendRequest(`${url}/healthz`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    fault = undefined
    if (error === undefined) await startConnections()
    await ready
    expect((await sendRequest(`${url}/connections/c/`, { headers })).headers['x-sluice-connection']).toBe('c')
    expect(countOf(output(), 'waiting for credentials')).toBe(1)
    expect(countOf(output(), 'the credentials have arrived')).toBe(1)
    expect(output()).not.toContain('"msg":"fault"')
  })

  it('does not listen before NATS is available', async () => {
    await nats.kill()
    const { output, ready } = await startGatewayProcess()
    await eventually(() => expect(output()).toContain('NATS is not there yet'), STARTING)
    await expect(sendRequest(`${url}/healthz`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await nats.restart()
    await ready
    expect((await sendRequest(`${url}/healthz`)).status).toBe(200)
  })

  it('does not wait for refused credentials, nor for those of disabled connections', async () => {
    await addConnection()
    await startConnections(() => new SluiceError('credential_unavailable', 'the stored secret cannot be opened'))
    const { output, ready } = await startGatewayProcess()
    await ready
    expect(output()).toContain('some connections have no usable credential')
    await gateway?.kill()
    await addConnection({ enabled: false })
    await started.pop()?.stop()
    await (await startGatewayProcess()).ready
  })

  it('ends at once on SIGTERM while it waits', async () => {
    await addConnection()
    const { output, stop } = await startGatewayProcess()
    await eventually(() => expect(output()).toContain('waiting for credentials'), STARTING)
    const stoppedAtMs = performance.now()
    expect(await stop()).toBe('exit 0')
    expect(performance.now() - stoppedAtMs).toBeLessThan(2_000)
  })
})

describe('/readyz', () => {
  it('says whether permits are granted', async () => {
    await (await startGatewayProcess()).ready
    expect(await readyz()).toMatchObject(isUnready('no capacity instance replies'))
    const capacity = await startCapacityService()
    await eventually(async () => expect(await readyz()).toMatchObject({ status: 200, body: { status: 'ready' } }))
    await capacity.stop()
    started.pop()
    await eventually(async () => expect(await readyz()).toMatchObject(isUnready('no capacity instance replies')))
  })

  it('quotes NATS when counters cannot be stored, and is ready when they can be again', async () => {
    await startCapacityService()
    await (await startGatewayProcess()).ready
    await eventually(async () => expect(await readyz()).toMatchObject({ status: 200 }))
    const { streams } = bus.jetstreamManager
    await streams.update(`KV_${capacityRecords.name}`, { max_msg_size: 1 })
    await eventually(async () => {
      const { status, body } = await readyz()
      const reason = expect.stringMatching(
        /^the capacity service gives no permits: .*message size exceeds maximum allowed/,
      )
      expect({ status, body }).toEqual({ status: 503, body: { status: 'unready', reasons: [reason] } })
    })
    await streams.update(`KV_${capacityRecords.name}`, { max_msg_size: -1 })
    await eventually(async () => expect(await readyz()).toMatchObject({ status: 200 }))
  })

  it('says at once that NATS is unavailable, and is ready when NATS is back', async () => {
    await startCapacityService()
    await (await startGatewayProcess()).ready
    await eventually(async () => expect(await readyz()).toMatchObject({ status: 200 }))
    await nats.kill()
    await eventually(async () => expect(await readyz()).toMatchObject(isUnready('NATS is not connected')))
    expect((await sendRequest(`${url}/healthz`)).status).toBe(200)
    await nats.restart()
    await eventually(async () => expect(await readyz()).toMatchObject({ status: 200 }), { timeoutMs: 15_000 })
  })

  it('probes capacity at most once a second, and responds soon if nothing replies', async () => {
    let requested = 0
    const silent = [capacityHealth.subject(), `${capacityHealth.subject()}.all`]
    for (const subject of silent) bus.connection.subscribe(subject, { callback: () => requested++ })
    await bus.connection.flush()
    await (await startGatewayProcess()).ready
    const beganAtMs = performance.now()
    const responses = await Promise.all(Array.from({ length: 50 }, readyz))
    const tookMs = performance.now() - beganAtMs
    for (const response of responses) expect(response).toMatchObject(isUnready('no capacity instance replies'))
    expect(Math.max(...responses.map(({ tookMs }) => tookMs))).toBeLessThan(capacityHealth.timeoutMs + 900)
    expect(requested).toBeLessThanOrEqual(silent.length * Math.ceil(tookMs / 1_000))
  })
})
