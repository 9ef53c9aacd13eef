import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'
import { sendResponse } from '../src/server/send-response.ts'

const REQUEST = { model: 'gpt-4o', messages: [{ role: 'user' as const, content: 'Hello!' }] }

let simulator: ProviderSimulator
let client: OpenAI

beforeEach(async () => {
  simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-test' }] })
  client = new OpenAI({ apiKey: 'sk-test', baseURL: simulator.openaiBaseUrl, maxRetries: 0 })
})
afterEach(() => simulator.stop())

describe('delays', () => {
  it('delays the headers', async () => {
    simulator.controls.add({ latencyMs: 80 })
    const startedAtMs = performance.now()
    await client.models.list()
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(79)
  })

  it('delays each chunk except the first', async () => {
    simulator.controls.add({ chunkDelayMs: 20 })
    const startedAtMs = performance.now()
    const stream = await client.chat.completions.create({ ...REQUEST, max_tokens: 2, stream: true })
    const chunks = await Array.fromAsync(stream)
    expect(chunks).toHaveLength(4)
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(4 * 19)
  })
})

describe('breaking off', () => {
  it('ends a stream after the given number of chunks, all of which arrive', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'break-mid-stream', afterChunks: 3 } })
    const { chunks, error } = await readUntilError()
    expect(chunks).toBe(3)
    expect(error).toBeInstanceOf(Error)
    await expectOutcome('broken-off')
    expect((await readUntilError()).error).toBeUndefined()
  })

  it('ends a stream in the middle of a chunk', async () => {
    simulator.controls.add({ fault: { kind: 'break-mid-stream', afterChunks: 1, partialChunk: true } })
    const received = await readBytes({ ...REQUEST, stream: true })
    expect(received.split('\n\n')).toHaveLength(2)
    expect(received).toMatch(/\n\ndata: \{"id".*[^\n]$/)
  })

  it('ends a body halfway', async () => {
    simulator.controls.add({ fault: { kind: 'break-mid-stream', afterChunks: 1 } })
    const received = await readBytes(REQUEST)
    expect(received).toMatch(/^\{"id".*[^}]$/)
  })

  it('ends the connection after the headers, or before them', async () => {
    simulator.controls.add({ times: 1, fault: { kind: 'break-mid-stream', afterChunks: 0 } })
    simulator.controls.add({ times: 1, fault: { kind: 'break-before-headers' } })
    expect(await readBytes(REQUEST)).toBe('')
    await expect(client.models.list()).rejects.toBeInstanceOf(OpenAI.APIConnectionError)
    await expect.poll(() => simulator.requests.list()).toMatchObject([{ status: 200 }, { outcome: 'broken-off' }])
    expect(simulator.requests.list()[1]).not.toHaveProperty('status')
  })
})

describe('an error mid-stream', () => {
  it('replaces the rest of a stream', async () => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 3, status: 500, message: 'Gone.' } })
    const { chunks, error } = await readUntilError()
    expect(chunks).toBe(3)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ type: 'server_error', error: { message: 'Gone.' } })
    await expectOutcome('completed')
  })

  it('leaves shorter streams and other responses alone', async () => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks: 1000, status: 500 } })
    expect((await readUntilError()).error).toBeUndefined()
    await expect(client.models.list()).resolves.toHaveProperty('data')
  })
})

describe('hanging', () => {
  it('does not respond until the client disconnects', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    await expect(client.models.list({ timeout: 100 })).rejects.toBeInstanceOf(OpenAI.APIConnectionTimeoutError)
    await expectOutcome('client-disconnected')
    expect(simulator.requests.list()[0]).not.toHaveProperty('status')
  })

  it('stops sending in the middle of a stream until the client disconnects', async () => {
    simulator.controls.add({ fault: { kind: 'hang-mid-stream', afterChunks: 2 } })
    const stream = await client.chat.completions.create({ ...REQUEST, stream: true })
    const reader = stream[Symbol.asyncIterator]()
    expect((await reader.next()).done).toBe(false)
    expect((await reader.next()).done).toBe(false)
    const third = reader.next()
    expect(simulator.requests.list()[0]?.outcome).toBe('pending')
    stream.controller.abort()
    expect((await third).done).toBe(true)
    await expectOutcome('client-disconnected')
  })

  it('does not keep the simulator from stopping', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const hanging = client.models.list().catch((error: unknown) => error)
    await expect.poll(() => simulator.requests.counts().total).toBe(1)
    await simulator.stop()
    expect(await hanging).toBeInstanceOf(OpenAI.APIConnectionError)
  })
})

it('notices a client that disconnects during a slow stream', async () => {
  simulator.controls.add({ chunkDelayMs: 10_000 })
  const stream = await client.chat.completions.create({ ...REQUEST, stream: true })
  stream.controller.abort()
  await expectOutcome('client-disconnected')
})

it('sends a long stream whole to a reader', async () => {
  simulator.controls.add({ outputTokens: 20_000 })
  const stream = await client.chat.completions.create({ ...REQUEST, stream: true })
  expect(await Array.fromAsync(stream)).toHaveLength(20_002)
})

it('generates no chunk before the reader has room for it', async () => {
  const total = 1000
  let made = 0
  function* chunks() {
    for (; made < total; made++) yield 'x'.repeat(64 * 1024)
  }
  const { promise: sent, resolve } = Promise.withResolvers<void>()
  const server = createServer((_request, response) => {
    const delivery = { behavior: {}, headers: () => ({}), onBreakOff: () => {} }
    const streamed = { kind: 'stream' as const, status: 200, headers: {}, chunks: chunks(), errorChunk: () => '' }
    resolve(sendResponse(response, streamed, delivery))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const request = get({ host: '127.0.0.1', port })
  await once(request, 'response')
  request.destroy()
  await sent
  expect(made).toBeLessThan(total)
  server.close()
})

async function expectOutcome(outcome: string): Promise<void> {
  await expect.poll(() => simulator.requests.list()[0]?.outcome, { timeout: 5000 }).toBe(outcome)
}

async function readUntilError(): Promise<{ chunks: number; error?: unknown }> {
  const stream = await client.chat.completions.create({ ...REQUEST, stream: true })
  let chunks = 0
  try {
    for await (const _ of stream) chunks += 1
    return { chunks }
  } catch (error) {
    return { chunks, error }
  }
}

/** Returns the bytes that arrive before the connection breaks. */
async function readBytes(request: object): Promise<string> {
  const response = await fetch(`${simulator.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk-test', 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  const decoder = new TextDecoder()
  let received = ''
  const reading = (async () => {
    for await (const bytes of response.body ?? []) received += decoder.decode(bytes, { stream: true })
  })()
  await expect(reading).rejects.toThrow('terminated')
  return received
}
