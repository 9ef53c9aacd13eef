import type { IncomingHttpHeaders } from 'node:http'
import type { ProviderId } from '@sluice/contracts'
import type { Control } from '@sluice/provider-simulator'
import { describe, expect, it } from 'vitest'
import { freshConnection } from '../support/fresh-connection.ts'
import { NATIVE_APIS, type NativeApi, type NativeCall } from '../support/native-calls.ts'
import { type RawResponse, sendRequest } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startDataPath } from '../support/start-data-path.ts'

/** The same requests, sent to the provider directly and through the gateway, get the same responses. */
describe.each(Object.entries(NATIVE_APIS) as [ProviderId, NativeApi][])('%s', (provider, { headers, calls }) => {
  const limit = { limit: 100_000, period: 'minute' as const }
  // Two unused accounts and a fixed clock: their limits are the same at every step.
  const accounts = ['sk-direct', 'sk-upstream'].map((apiKey) => ({
    apiKey,
    limits: { requests: limit, tokens: limit },
  }))
  const path = startBeforeAll(() =>
    startDataPath({ simulator: { provider, accounts, clock: () => 1_750_000_000_000 } }),
  )

  async function send(call: NativeCall, { upstreamKey = 'sk-upstream' } = {}) {
    const { gateway, simulator, apiKey } = path
    const { baseURL } = await freshConnection(gateway, apiKey, {
      provider,
      baseUrl: simulator.url,
      apiKey: upstreamKey,
    })
    const through = (url: string, key: string) => {
      const fields = { ...headers(key), 'content-type': 'application/json', 'x-simulator-seed': 'one' }
      return sendRequest(url + call.path, {
        method: call.method,
        headers: fields,
        ...(call.body && { body: JSON.stringify(call.body) }),
      })
    }
    const directKey = upstreamKey === 'sk-upstream' ? 'sk-direct' : upstreamKey
    return { direct: await through(simulator.url, directKey), proxied: await through(baseURL, apiKey) }
  }

  it.each(Object.entries(calls))('%s', async (_, call) => {
    const { direct, proxied } = await send(call)
    expectSame(proxied, direct)
  })

  it('all but the provider’s message about an unknown key, which does not concern the application', async () => {
    for (const call of Object.values(calls).slice(0, 3)) {
      const { direct, proxied } = await send(call, { upstreamKey: 'sk-unknown-0123456789' })
      expect([400, 401]).toContain(direct.status)
      expect([proxied.status, proxied.headers['x-sluice-source']]).toEqual([502, 'gateway'])
      expect(proxied.body.toString()).toContain(`rejected the connection's credential (HTTP ${direct.status})`)
    }
  })

  it.each<NonNullable<Control['fault']>>([
    { kind: 'status', status: 500, message: 'It broke — naïve 🙂.' },
    { kind: 'status', status: 503 },
    { kind: 'rate-limit' },
    { kind: 'rate-limit', retryAfterMs: 7_000 },
    { kind: 'error-mid-stream', afterChunks: 3, status: 503 },
  ])('%o', async (fault) => {
    path.simulator.controls.clear()
    path.simulator.controls.add({ fault })
    for (const call of Object.values(calls).filter(({ method }) => method === 'POST')) {
      const { direct, proxied } = await send(call)
      expectSame(proxied, direct)
    }
    path.simulator.controls.clear()
  })
})

function expectSame(proxied: RawResponse, direct: RawResponse): void {
  expect(proxied.status).toBe(direct.status)
  expect(proxied.body.toString()).toBe(direct.body.toString())
  expect(proxied.body.equals(direct.body)).toBe(true)
  expect(comparable(proxied.headers)).toEqual({
    'x-request-id': proxied.headers['x-request-id'],
    ...comparable(direct.headers),
    'x-sluice-source': 'upstream',
    'x-sluice-connection': expect.any(String),
    ratelimit: expect.any(String),
    'ratelimit-policy': expect.any(String),
  })
  expect(proxied.headers['x-request-id']).toMatch(/.+/)
}

/** Without those of the hop, and of the time that it took. */
function comparable(headers: IncomingHttpHeaders) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_EXCHANGE.has(name)))
}

const OF_THE_EXCHANGE: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
  'openai-processing-ms',
  'server-timing',
])
