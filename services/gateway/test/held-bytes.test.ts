import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { eventually } from '@sluice/testkit'
import { describe, expect, it } from 'vitest'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, type RawResponse, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const KB = 1_000
let respond: () => void
/** The number of requests that have arrived since responses are held back. */
let arrived: number

const data = startBeforeAll(() =>
  startDataPath({ env: { MAX_HELD_BYTES: String(1_000 * KB), UPSTREAM_CONNECT_TIMEOUT_MS: '3000' } }),
)
const upstream = startBeforeAll(startRawUpstream)

/** Holds responses back until {@link respond} is called. */
function holdResponses(): void {
  const held = Promise.withResolvers<void>()
  respond = held.resolve
  arrived = 0
  upstream.respond = (request, response) => {
    arrived++
    request.resume()
    void held.promise.then(() => {
      response.setHeader('content-type', 'application/json')
      response.end('{"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}')
    })
  }
}

const haveArrived = (count: number) => eventually(() => expect(arrived).toBe(count))

async function connection() {
  const { baseURL } = await data.gateway.connection({ baseUrl: upstream.url })
  const keys = await Promise.all([data.gateway.apiKey(), data.gateway.apiKey(), data.gateway.apiKey()])
  respond = () => undefined
  upstream.respond = (request, response) => {
    request.resume()
    response.end('{}')
  }
  for (const key of keys) await eventually(async () => expect((await send(baseURL, key, 1)).status).toBe(200))
  holdResponses()
  return { baseURL, keys }
}

function send(baseURL: string, key: string, kilobytes: number): Promise<RawResponse> {
  const body = { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(kilobytes * KB) }] }
  return postJson(`${baseURL}/chat/completions`, key, body)
}

describe('the memory of requests', () => {
  it('is shared by API keys: one that uses too much is refused while others are served', async () => {
    const { baseURL, keys } = await connection()
    const [greedy = '', other = ''] = keys
    const first = send(baseURL, greedy, 400)
    await haveArrived(1)
    const refused = await send(baseURL, greedy, 300)
    expect(refused.status).toBe(429)
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'x-sluice-source': 'gateway' })
    expect(refused.body.toString()).toContain('rate_limited')
    const served = send(baseURL, other, 250)
    respond()
    expect([(await first).status, (await served).status]).toEqual([200, 200])
    holdResponses()
    respond()
    // A request that got its response holds nothing.
    await eventually(async () => expect((await send(baseURL, greedy, 450)).status).toBe(200))
  })

  it('is bounded for the whole process', async () => {
    const { baseURL, keys } = await connection()
    const [first = '', second = '', third = ''] = keys
    const held = [send(baseURL, first, 480)]
    await haveArrived(1)
    held.push(send(baseURL, second, 240))
    await haveArrived(2)
    const full = await send(baseURL, third, 400)
    expect(full.status).toBe(503)
    expect(full.body.toString()).toContain('holds as many bytes')
    respond()
    for (const each of held) expect((await each).status).toBe(200)
  })

  it('is counted as bytes arrive, and released when a client disconnects', async () => {
    const { baseURL, keys } = await connection()
    const [key = ''] = keys
    const leaving = new AbortController()
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(450 * KB) }] })
    const aborted = fetch(`${baseURL}/chat/completions`, { method: 'POST', headers, body, signal: leaving.signal })
    await haveArrived(1)
    expect((await batchOf(baseURL, key, 200)).status).toBe(429)
    leaving.abort()
    await expect(aborted).rejects.toThrow()
    respond()
    await eventually(async () => expect((await batchOf(baseURL, key, 400)).status).toBe(200))
  })
})

describe('the memory of a disconnected client', () => {
  it('counts while the connection to its provider is being established', async () => {
    const silent = createServer()
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    const { port } = silent.address() as AddressInfo
    const waiting = await data.gateway.connection({ baseUrl: `https://127.0.0.1:${port}` })
    const { baseURL, keys } = await connection()
    const [key = ''] = keys
    const leaving = new AbortController()
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(450 * KB) }] })
    const connected = once(silent, 'connection')
    const aborted = fetch(`${waiting.baseURL}/chat/completions`, {
      method: 'POST',
      headers,
      body,
      signal: leaving.signal,
    })
    await connected
    leaving.abort()
    await expect(aborted).rejects.toThrow()
    respond()
    // Well before the connection is given up.
    expect((await send(baseURL, key, 200)).status).toBe(429)
    await eventually(async () => expect((await send(baseURL, key, 200)).status).toBe(200), { timeoutMs: 15_000 })
    silent.close()
  })
})

/** With a body that does not say how long it is. */
function batchOf(baseURL: string, key: string, kilobytes: number): Promise<RawResponse> {
  return sendRequest(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x'.repeat(kilobytes * KB) }] }),
  })
}
