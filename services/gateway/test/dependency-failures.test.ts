import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { capacityStatus, type ProjectedConnection } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, freePort, type TestNats, testNats } from '@sluice/testkit'
import OpenAI, { APIError, BadRequestError } from 'openai'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

/**
 * Ways in which other proxies lose count, each as a test by its name, through two whole gateways and two capacity instances. Those
 * that are about windows and repetitions alone are in services/capacity/src/decide.
 */
const MODELS = ['gpt-4.1-mini', 'gpt-4o-mini', 'gpt-4o']
let nats: TestNats
let capacities: Service[]
let simulator: ProviderSimulator
let gateways: TestGateway[]
let keys: string[]

beforeAll(async () => {
  nats = await testNats()
  const start = () =>
    startCapacity(readConfig(CapacityConfig, { NATS_URL: nats.url }), createLogger('capacity', 'silent'))
  capacities = await Promise.all([start(), start()])
  simulator = await startProviderSimulator()
  simulator.accounts.register({ apiKey: 'sk-upstream' })
  gateways = [await startGateway({ natsUrl: nats.url }), await startGateway({ natsUrl: nats.url })]
  const gateway = gatewayAt(0)
  keys = await Promise.all([gateway.apiKey(), gateway.apiKey(), gateway.apiKey()])
})

afterAll(async () => {
  for (const gateway of gateways ?? []) await gateway.stop()
  await simulator?.stop()
  await Promise.all((capacities ?? []).map((capacity) => capacity.stop()))
  await nats?.stop()
})

beforeEach(() => {
  simulator.controls.clear()
  simulator.requests.clear()
})

function gatewayAt(index: number): TestGateway {
  const gateway = gateways[index % gateways.length]
  if (gateway === undefined) throw new Error('there are two gateways')
  return gateway
}

async function connectionWith(
  capacity: ProjectedConnection['capacity'],
  baseUrl = simulator.url,
  settings: Partial<ProjectedConnection> = {},
) {
  const id = randomUUID()
  // Any of them may be called as soon as the connection is known.
  for (const each of gateways) each.credentials.set(id, { apiKey: 'sk-upstream' })
  const { settings: made } = await gatewayAt(0).connection({ id, baseUrl, capacity, ...settings })
  const client = (index: number) =>
    new OpenAI({
      apiKey: keys[index % keys.length] ?? '',
      baseURL: `${gatewayAt(index).url}/connections/${made.name}/v1`,
      maxRetries: 0,
    })
  const send = (index: number, more: object = {}) =>
    client(index).chat.completions.create({
      model: MODELS[index % MODELS.length] ?? '',
      messages: [{ role: 'user', content: `request ${index}` }],
      max_tokens: 100,
      ...more,
    })
  const body = { model: 'm', messages: [] }
  const headers = { 'x-sluice-max-wait': 'no time' }
  for (let index = 0; index < gateways.length * keys.length; index++) {
    // Refused for its header, once key and connection are known, before a permit is acquired.
    const known = () =>
      expect(client(index).chat.completions.create(body, { headers })).rejects.toBeInstanceOf(BadRequestError)
    await eventually(known)
  }
  const window = async (metric: 'requests' | 'tokens') => {
    const { windows } = await request(gatewayAt(0).bus, capacityStatus, [made.id], {})
    return windows.find((each) => each.metric === metric)
  }
  return { send, client, window }
}

it('admits 10 of 100 concurrent requests at a limit of 10 (no check-then-count race)', async () => {
  const { send } = await connectionWith([{ period: 'minute', requests: 10 }])
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => send(0)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(simulator.requests.counts().total).toBe(10)
})

it('shares one limit among all API keys, models and processes', async () => {
  const { send } = await connectionWith([{ period: 'minute', requests: 12 }])
  const outcomes = await Promise.allSettled(Array.from({ length: 120 }, (_, index) => send(index)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(12)
  expect(simulator.requests.counts().total).toBe(12)
})

it('settles a canceled stream by the relayed output, and leaves nothing reserved', async () => {
  const { send, window } = await connectionWith([{ period: 'minute', requests: 10, tokens: 10_000 }])
  simulator.controls.add({ chunkDelayMs: 20, outputTokens: 90 })
  for (let index = 0; index < 5; index++) {
    const stream = await send(index, { stream: true })
    let chunks = 0
    for await (const _ of stream as unknown as AsyncIterable<unknown>) if (++chunks === 3) break
  }
  await eventually(async () => expect(await window('tokens')).toMatchObject({ reserved: 0 }))
  expect((await window('tokens'))?.used).toBeLessThan(5 * 50)
  expect(await window('requests')).toMatchObject({ used: 5, reserved: 0 })
})

it('refunds a request whose provider cannot be reached', async () => {
  const { send, window } = await connectionWith(
    [{ period: 'minute', requests: 3, tokens: 1_000 }],
    `http://127.0.0.1:${await freePort()}`,
  )
  for (let index = 0; index < 20; index++) await expect(send(0)).rejects.toMatchObject({ status: 502 })
  await eventually(async () => expect(await window('requests')).toMatchObject({ used: 0, reserved: 0 }))
  expect(await window('tokens')).toMatchObject({ used: 0, reserved: 0 })
})

it('settles a request whose provider closes the connection, and leaves nothing reserved', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { send, window } = await connectionWith([{ period: 'minute', requests: 5 }], `http://127.0.0.1:${port}`)
  await expect(send(0)).rejects.toMatchObject({ status: 502 })
  await eventually(async () => expect(await window('requests')).toMatchObject({ used: 1, reserved: 0 }))
  await new Promise((resolve) => server.close(resolve))
})

it('leaves the window unchanged after a thousand denials', async () => {
  const { send, window } = await connectionWith([{ period: 'minute', requests: 2 }])
  await Promise.all([send(0), send(1)])
  const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, (_, index) => send(index)))
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
  expect(await window('requests')).toMatchObject({ used: 2, remaining: 0 })
})

it('refuses a request larger than the whole window without a Retry-After', async () => {
  const { send, window } = await connectionWith([{ period: 'minute', tokens: 500 }], simulator.url, {
    tokenReservation: 'maximum',
  })
  const error = await send(0, { max_tokens: 5_000 }).catch((refusal: unknown) => refusal)
  expect(error).toBeInstanceOf(APIError)
  expect(error).toMatchObject({ status: 400, code: 'request_exceeds_capacity' })
  expect(await window('tokens')).toMatchObject({ used: 0 })
})
