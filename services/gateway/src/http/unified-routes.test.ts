import { createAccessToken, createLogger } from '@sluice/service-kit'
import { expect, it } from 'vitest'
import type { UnifiedDeps } from '../translation/forward-unified-call.ts'
import { type AppOptions, createApp } from './app.ts'

/** An app that knows no API key, and fails when it looks whether one was created a moment ago. */
function failingApp() {
  const deps = {
    clock: { nowMs: () => 1, elapsedMs: () => 1 },
    projections: { areCurrent: () => true },
    apiKeys: { byHash: () => undefined, catchUp: () => Promise.reject(new Error('broken')) },
    connections: { byName: () => undefined, all: () => [], catchUp: () => Promise.resolve('waited') },
  }
  const options: AppOptions = {
    dataPlane: deps as unknown as UnifiedDeps,
    readiness: { reasons: async () => [] },
    logger: createLogger('gateway', 'silent'),
    maxBodyBytes: 1_024,
    maxUploadBytes: 1_024,
    requestTimeoutMs: 1_000,
    socketTimeoutMs: 1_000,
  }
  return createApp(options)
}

it.each([
  ['GET', '/v1/models'],
  ['POST', '/v1/chat/completions'],
  ['POST', '/connections/prod/v1/chat/completions'],
] as const)(
  'responds to %s %s with an internal error in OpenAI’s format when the gateway fails',
  async (method, url) => {
    const token = createAccessToken('slc')
    const response = await failingApp().inject({ method, url, headers: { authorization: `Bearer ${token}` } })
    expect(response.statusCode).toBe(500)
    expect(response.json()).toMatchObject({ error: { message: 'Internal error.', code: 'internal' } })
    expect(response.headers['x-request-id']).toMatch(/.+/)
  },
)
