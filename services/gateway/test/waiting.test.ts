import type { ProjectedConnection } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import OpenAI, { BadRequestError, RateLimitError } from 'openai'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'

const BODY = {
  model: 'gpt-4.1-mini',
  messages: [{ role: 'user' as const, content: 'Is there room?' }],
  max_tokens: 900,
}
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string

const path = startBeforeAll(startDataPath)
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = path)
})

beforeEach(() => {
  simulator.controls.clear()
  simulator.requests.clear()
})

async function connectionWith(settings: Partial<ProjectedConnection>) {
  const made = await gateway.connection({ baseUrl: simulator.url, ...settings })
  const client = new OpenAI({ apiKey, baseURL: made.baseURL, maxRetries: 0 })
  // Refused for its header, once the connection is known, before a permit is acquired.
  await eventually(() => expect(send(client, 'never')).rejects.toBeInstanceOf(BadRequestError))
  return client
}

function send(client: OpenAI, maxWait?: string, signal?: AbortSignal) {
  const headers = maxWait === undefined ? {} : { 'x-sluice-max-wait': maxWait }
  return client.chat.completions.create(BODY, { headers, ...(signal === undefined ? {} : { signal }) })
}

it('waits for a permit that a refund makes possible, instead of failing', async () => {
  const client = await connectionWith({
    capacity: [{ period: 'minute', tokens: 1_500 }],
    tokenReservation: 'maximum',
  })
  simulator.controls.add({ times: 1, latencyMs: 400, outputTokens: 10 })
  const slow = send(client)
  await eventually(() => expect(simulator.requests.counts().total).toBe(1))
  const startedAtMs = performance.now()
  expect((await send(client, '120')).choices).toHaveLength(1)
  expect(performance.now() - startedAtMs).toBeGreaterThan(200)
  await slow
})

it('waits for the end of a cool-down by the connection’s own setting', async () => {
  const client = await connectionWith({ maxWaitMs: 5_000 })
  simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 1_000 } })
  await expect(send(client)).rejects.toBeInstanceOf(RateLimitError)
  const startedAtMs = performance.now()
  expect((await send(client)).choices).toHaveLength(1)
  expect(performance.now() - startedAtMs).toBeGreaterThan(500)
  await expect(send(client, '0')).resolves.toBeDefined()
})

it('returns 429 at once if the wait would be too long', async () => {
  const client = await connectionWith({ capacity: [{ period: 'minute', requests: 1 }] })
  await send(client)
  const startedAtMs = performance.now()
  const error = await send(client, '30').catch((denial: unknown) => denial)
  expect(performance.now() - startedAtMs).toBeLessThan(2_000)
  expect(error).toBeInstanceOf(RateLimitError)
  expect(error).toMatchObject({ code: 'capacity_exceeded' })
  expect(simulator.requests.counts().total).toBe(1)
})

it('gives up the place of a client that disconnects', async () => {
  const client = await connectionWith({ capacity: [{ period: 'minute', requests: 1 }] })
  await send(client)
  const leaving = new AbortController()
  const waiting = send(client, '100', leaving.signal)
  // Behind one that waits, the wait is a window longer.
  await eventually(async () => {
    const error = (await send(client, '0').catch((denial: unknown) => denial)) as RateLimitError
    expect(Number(error.headers.get('retry-after-ms'))).toBeGreaterThan(100_000)
  })
  leaving.abort()
  await expect(waiting).rejects.toThrow()
  await eventually(async () => {
    const error = (await send(client, '0').catch((denial: unknown) => denial)) as RateLimitError
    expect(Number(error.headers.get('retry-after-ms'))).toBeLessThan(62_000)
  })
  await eventually(() => expect(gateway.events.some(({ outcome }) => outcome === 'aborted')).toBe(true))
})

it('serves a key that does not wait although another always has requests in the line', async () => {
  const client = await connectionWith({ capacity: [{ period: 'minute', tokens: 1_500 }] })
  // One fits at a time, and frees what it does not use when it ends.
  simulator.controls.add({ latencyMs: 100, outputTokens: 1 })
  let isOver = false
  let waited = 0
  const greedy = Array.from({ length: 3 }, async () => {
    for (; !isOver; waited++) await send(client, '600')
  })
  await eventually(() => expect(waited).toBeGreaterThan(2))
  const other = new OpenAI({ apiKey: await gateway.apiKey(), baseURL: client.baseURL, maxRetries: 0 })
  const waitedBefore = waited
  let passed = 0
  let refused = 0
  while (passed < 10 && refused < 2_000) {
    const denial = await send(other, '0').then(
      () => undefined,
      (error: unknown) => error,
    )
    if (denial === undefined) passed++
    else if (denial instanceof RateLimitError) refused++
  }
  const waitedMeanwhile = waited - waitedBefore
  isOver = true
  await Promise.all(greedy)
  expect(passed).toBe(10)
  // Alike in the long run; one may have had its turn twice.
  expect(waitedMeanwhile).toBeGreaterThan(4)
})

it('does not forward the header, and refuses one that is not a time', async () => {
  simulator.requests.clear()
  const client = await connectionWith({})
  await send(client, '1.5')
  for (const header of ['soon', '-1', '601']) await expect(send(client, header)).rejects.toBeInstanceOf(BadRequestError)
  expect(simulator.requests.counts().total).toBe(1)
})
