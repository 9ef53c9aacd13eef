import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

let simulator: ProviderSimulator

beforeEach(async () => {
  simulator = await startProviderSimulator()
})
afterEach(() => simulator.stop())

it('registers, lists and removes accounts', async () => {
  const account = { apiKey: 'sk-new', limits: { tokens: { limit: 5, period: 'hour' } } }
  expect(await models('sk-new')).toBe(401)
  expect((await send('POST', '/accounts', account)).status).toBe(201)
  expect(await models('sk-new')).toBe(200)
  expect(await (await send('GET', '/accounts')).json()).toEqual({ items: [account] })
  expect((await send('DELETE', '/accounts?apiKey=sk-new')).status).toBe(204)
  expect((await send('DELETE', '/accounts?apiKey=sk-new')).status).toBe(404)
  expect(await models('sk-new')).toBe(401)
})

it('adds, lists and clears controls', async () => {
  simulator.accounts.register({ apiKey: 'sk-a' })
  const control = { apiKey: 'sk-a', times: 2, fault: { kind: 'status', status: 503, message: 'Down.' } }
  expect((await send('POST', '/controls', control)).status).toBe(201)
  expect(await models('sk-a')).toBe(503)
  expect(await (await send('GET', '/controls')).json()).toEqual({ items: [{ ...control, times: 1 }] })
  expect((await send('DELETE', '/controls?apiKey=sk-a')).status).toBe(204)
  expect(await models('sk-a')).toBe(200)
})

it('lists the requests that arrived, and clears them', async () => {
  simulator.accounts.register({ apiKey: 'sk-a' })
  await models('sk-a')
  await models('sk-b')
  expect(await (await send('GET', '/requests')).json()).toMatchObject({
    total: 2,
    byStatus: { 200: 1, 401: 1 },
    items: [{ apiKey: 'sk-a', method: 'GET', path: '/v1/models', status: 200 }, { status: 401 }],
  })
  const ofOne = { total: 1, byStatus: { 200: 1 } }
  expect(await (await send('GET', '/requests?apiKey=sk-a')).json()).toMatchObject({ ...ofOne, items: [{}] })
  expect(await (await send('GET', '/requests/counts?apiKey=sk-a')).json()).toEqual(ofOne)
  expect((await send('DELETE', '/requests')).status).toBe(204)
  expect(await (await send('GET', '/requests')).json()).toEqual({ total: 0, byStatus: {}, items: [] })
})

it.each([
  ['/controls', { times: 0 }],
  ['/controls', { latencyMs: '5' }],
  ['/controls', { latencyMS: 5 }],
  ['/controls', { fault: { kind: 'explode' } }],
  ['/controls', { fault: { kind: 'status', status: 200 } }],
  ['/controls', { fault: { kind: 'break-mid-stream' } }],
  ['/accounts', {}],
  ['/accounts', { apiKey: 'sk-a', limits: { requests: { limit: 0, period: 'minute' } } }],
  ['/accounts', { apiKey: 'sk-a', limits: { requests: { limit: 1, period: 'second' } } }],
])('refuses an invalid body at %s: %j', async (path, body) => {
  expect((await send('POST', path, body)).status).toBe(400)
  expect(simulator.controls.list()).toEqual([])
  expect(simulator.accounts.list()).toEqual([])
})

it('is separate from the provider', async () => {
  expect((await send('GET', '/nothing')).status).toBe(404)
  expect(simulator.requests.counts().total).toBe(0)
})

function send(method: string, path: string, body?: unknown): Promise<Response> {
  const content =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return fetch(`${simulator.url}/_simulator${path}`, { method, ...content })
}

async function models(apiKey: string): Promise<number> {
  const response = await fetch(`${simulator.url}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } })
  await response.arrayBuffer()
  return response.status
}
