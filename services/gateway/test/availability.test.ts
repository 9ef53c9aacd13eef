import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { capacityStatus, responses } from '@sluice/contracts'
import { ensureStream, request } from '@sluice/messaging'
import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import { createLogger, hashAccessToken, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import OpenAI, { APIConnectionError } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { untilKnown } from './support/fresh-connection.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

const BODY = { model: 'gpt-4.1-mini', messages: [{ role: 'user' as const, content: 'Say something.' }] }
const LIMITS = [{ period: 'day' as const, requests: 1_000, tokens: 1_000_000 }]
let nats: TestNats
let simulator: ProviderSimulator
let capacity: Service | undefined
const gateways: TestGateway[] = []

beforeAll(async () => {
  nats = await testNats()
  simulator = await startProviderSimulator({ recordContent: true })
  simulator.accounts.register({ apiKey: 'sk-one' })
  simulator.accounts.register({ apiKey: 'sk-two' })
})

afterAll(async () => {
  await simulator?.stop()
  await nats?.stop()
})

afterEach(async () => {
  simulator.controls.clear()
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()))
  await capacity?.stop()
  capacity = undefined
})

async function startCapacityService(): Promise<void> {
  const config = readConfig(CapacityConfig, { NATS_URL: nats.url })
  capacity = await startCapacity(config, createLogger('capacity', 'silent'))
}

/** A gateway with one connection, known to it. */
async function setUp(
  settings: Partial<Parameters<TestGateway['connection']>[0]> = {},
  env: Readonly<Record<string, string>> = {},
) {
  const gateway = await startGateway({ natsUrl: nats.url, env })
  gateways.push(gateway)
  const apiKey = await gateway.apiKey()
  const made = await gateway.connection({ baseUrl: simulator.url, apiKey: 'sk-one', capacity: LIMITS, ...settings })
  const chat = (body: object = BODY) => postJson(`${made.baseURL}/chat/completions`, apiKey, body)
  await untilKnown(gateway.url, made.settings.name, apiKey)
  const charged = async () => {
    const { windows } = await request(gateway.bus, capacityStatus, [made.settings.id], {})
    return Object.fromEntries(windows.map(({ metric, used }) => [metric, used]))
  }
  return { gateway, apiKey, ...made, chat, charged }
}

/** The versions that were requested. */
function requestsFor(gateway: TestGateway, connectionId: string): number[] {
  return gateway.credentialRequests
    .filter((requested) => requested.connectionId === connectionId)
    .map(({ version }) => version)
}

describe('while no capacity instance replies', () => {
  it('a connection that rejects returns 503, and recovers by itself', async () => {
    const { chat, gateway } = await setUp()
    const clientResponse = await chat()
    expect(clientResponse.status).toBe(503)
    expect(clientResponse.headers['retry-after']).toBe('1')
    expect(JSON.parse(clientResponse.body.toString()).error.code).toBe('capacity_unavailable')
    await eventually(() => expect(gateway.events.at(-1)).toMatchObject({ deniedBy: 'capacity_unavailable' }))
    await startCapacityService()
    await eventually(async () => expect((await chat()).status).toBe(200))
  })

  it('a connection that allows serves, and is charged later', async () => {
    const { chat, charged } = await setUp({ onCapacityUnavailable: 'allow' })
    const clientResponse = await chat()
    expect(clientResponse.status).toBe(200)
    expect(clientResponse.headers).not.toHaveProperty('ratelimit')
    await startCapacityService()
    const tokens = JSON.parse(clientResponse.body.toString()).usage.total_tokens
    await eventually(async () => expect(await charged()).toEqual({ requests: 1, tokens }), { timeoutMs: 15_000 })
  })
})

describe('a credential', () => {
  it('is fetched once, before the first request', async () => {
    await startCapacityService()
    const { gateway, settings, chat } = await setUp()
    await eventually(() => expect(requestsFor(gateway, settings.id)).toEqual([1]))
    const responses = await Promise.all(Array.from({ length: 20 }, () => chat()))
    expect(responses.every(({ status }) => status === 200)).toBe(true)
    expect(requestsFor(gateway, settings.id)).toEqual([1])
  })

  it('that is unavailable causes 503 at no cost, until it is available', async () => {
    await startCapacityService()
    const { gateway, settings, chat, charged } = await setUp({ apiKey: null })
    const clientResponse = await chat()
    expect(clientResponse.status).toBe(503)
    expect(clientResponse.headers['retry-after']).toBe('1')
    expect(JSON.parse(clientResponse.body.toString()).error.code).toBe('credential_unavailable')
    await eventually(async () => expect(await charged()).toEqual({ requests: 0, tokens: 0 }))
    gateway.credentials.set(settings.id, { apiKey: 'sk-one' })
    await eventually(async () => expect((await chat()).status).toBe(200))
  })

  it('is rotated without a request failing', async () => {
    await startCapacityService()
    const { gateway, settings, chat } = await setUp()
    expect((await chat()).status).toBe(200)
    const statuses: number[] = []
    let rotating = true
    const callers = Array.from({ length: 4 }, async () => {
      while (rotating) statuses.push((await chat()).status)
    })
    gateway.credentials.set(settings.id, { apiKey: 'sk-two' })
    await gateway.connections.put(settings.id, { ...settings, credentialVersion: 2, version: 2 })
    await eventually(() => {
      expect(simulator.requests.list().at(-1)?.apiKey).toBe('sk-two')
    })
    rotating = false
    await Promise.all(callers)
    expect(statuses.length).toBeGreaterThan(0)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(requestsFor(gateway, settings.id)).toEqual([1, 2])
  })
})

describe('response events', () => {
  it('survive an outage of NATS, and are stored once', async () => {
    await startCapacityService()
    const { gateway, chat } = await setUp({ onCapacityUnavailable: 'allow' })
    await ensureStream(gateway.bus, responses)
    const stored = async () => (await gateway.bus.jetstreamManager.streams.info(responses.name)).state.messages
    expect((await chat()).status).toBe(200)
    await eventually(() => expect(gateway.events).toHaveLength(1))
    const before = await stored()
    await nats.kill()
    expect((await chat()).status).toBe(200)
    await nats.restart()
    // Read from the stream: a subscriber may come back after the gateway, and miss what it publishes at once.
    await eventually(async () => expect(await stored()).toBeGreaterThan(before), { timeoutMs: 20_000 })
    expect((await chat()).status).toBe(200)
    await eventually(async () => expect(await stored()).toBe(before + 2))
  })
})

describe('without NATS', () => {
  it('API keys are valid for a while only, and a revoked one is refused once NATS is back', async () => {
    await startCapacityService()
    const maxAge = { MAX_KEY_AGE_WITHOUT_NATS_MS: '4000' }
    const { gateway, apiKey, settings, chat } = await setUp({ onCapacityUnavailable: 'allow' }, maxAge)
    const kept = await gateway.apiKey()
    const { url } = gateway
    const chatWithKept = () => postJson(`${url}/connections/${settings.name}/v1/chat/completions`, kept, BODY)
    await untilKnown(url, settings.name, kept)
    const models = () => sendRequest(`${url}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } })
    expect((await models()).status).toBe(200)
    await nats.kill()
    expect((await chat()).status).toBe(200)
    await eventually(async () => expect((await chat()).status).toBe(503), { timeoutMs: 20_000 })
    const clientResponse = await chat()
    expect(clientResponse.headers['retry-after']).toBe('1')
    expect(JSON.parse(clientResponse.body.toString()).error).toMatchObject({ code: 'unavailable' })
    expect((await models()).status).toBe(503)
    expect(JSON.parse((await sendRequest(`${url}/readyz`)).body.toString()).status).toBe('unready')
    await nats.restart()
    await eventually(() => gateway.apiKeys.delete(hashAccessToken(apiKey)), { timeoutMs: 20_000 })
    await eventually(async () => expect((await chat()).status).toBe(401), { timeoutMs: 20_000 })
    await eventually(async () => expect((await chatWithKept()).status).toBe(200), { timeoutMs: 20_000 })
    for (let times = 0; times < 20; times++) expect((await chat()).status).toBe(401)
  })
})

describe('a gateway', () => {
  it('that stops lets its streams end, settles them, and accepts no more', async () => {
    await startCapacityService()
    const { gateway, apiKey, baseURL, settings } = await setUp()
    const observer = await setUp()
    simulator.controls.add({ chunkDelayMs: 10, outputTokens: 60 })
    const sdk = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
    const stream = await sdk.chat.completions.create({ ...BODY, stream: true })
    const stopped = gateway.service.stop()
    let chunks = 0
    for await (const _ of stream) chunks++
    expect(chunks).toBe(62)
    await stopped
    await eventually(() => {
      expect(observer.gateway.events.findLast((event) => event.connectionId === settings.id)?.outcome).toBe('success')
    })
    const { windows } = await request(observer.gateway.bus, capacityStatus, [settings.id], {})
    const event = observer.gateway.events.findLast((found) => found.connectionId === settings.id)
    const used = (event?.usage?.inputTokens ?? 0) + (event?.usage?.outputTokens ?? 0)
    expect(windows.find(({ metric }) => metric === 'tokens')?.used).toBe(used)
    await expect(sdk.models.list()).rejects.toBeInstanceOf(APIConnectionError)
  })
})
