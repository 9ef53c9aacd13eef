import type { ConnectionView, CreatedApiKey } from '@sluice/contracts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type System, startSystem } from './start-system.ts'

const TRIES = 15

let system: System

beforeAll(async () => {
  system = await startSystem({ gateways: 2 })
})
afterAll(() => system.stop())

const create = (name: string) =>
  system.admin.post<ConnectionView>('/connections', {
    name,
    provider: 'openai',
    config: { apiKey: system.upstreamKey, baseUrl: system.simulator.openaiBaseUrl },
    capacity: [{ period: 'minute', requests: 100, tokens: 1_000_000 }],
  })
const createKey = (name: string, connections: '*' | readonly string[]) =>
  system.admin.post<CreatedApiKey>('/api-keys', { name, connections })

async function patch(path: string, body: object): Promise<void> {
  const { adminUrl, operatorToken } = system.stack
  const headers = { authorization: `Bearer ${operatorToken}`, 'content-type': 'application/json' }
  const response = await fetch(`${adminUrl}/api/v1${path}`, { method: 'PATCH', headers, body: JSON.stringify(body) })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
}

/** Calls every gateway immediately, natively and through the unified endpoint. */
function call(name: string, key: string): Promise<number[]> {
  const ask = async (url: string, model: string) => {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
    })
    await response.text()
    return response.status
  }
  return Promise.all(
    system.stack.gatewayUrls.flatMap((url) => [
      ask(`${url}/connections/${name}/v1`, 'gpt-4o-mini'),
      ask(`${url}/v1`, `${name}/gpt-4o-mini`),
    ]),
  )
}

const SERVED = [200, 200, 200, 200]

it('a connection and a key work as soon as their creation is confirmed', async () => {
  for (let n = 0; n < TRIES; n++) {
    const { id } = await create(`new-${n}`)
    const { key } = await createKey(`new-${n}`, [id])
    expect([n, await call(`new-${n}`, key)]).toEqual([n, SERVED])
  }
})

it('a connection works with an existing key as soon as its creation is confirmed', async () => {
  const { key } = await createKey('for all', '*')
  for (let n = 0; n < TRIES; n++) {
    await create(`later-${n}`)
    expect([n, await call(`later-${n}`, key)]).toEqual([n, SERVED])
  }
})

it('new permissions of a key or connection apply as soon as the change is confirmed', async () => {
  const [first, second] = [await create('first'), await create('second')]
  const { id, key } = await createKey('scoped', [first.id])
  for (let n = 0; n < TRIES; n++) {
    await patch(`/api-keys/${id}`, { connections: [second.id] })
    expect([n, await call('second', key)]).toEqual([n, SERVED])
    await patch(`/api-keys/${id}`, { connections: [first.id] })
    await patch(`/connections/${first.id}`, { enabled: false })
    await patch(`/connections/${first.id}`, { enabled: true })
    expect([n, await call('first', key)]).toEqual([n, SERVED])
  }
})
