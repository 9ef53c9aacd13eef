import { createLogger } from '@sluice/service-kit'
import { fastify } from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { frameworkErrors } from '../src/http/framework-errors.ts'

/** A server on which Fastify reads bodies itself, as the gateway's own routes leave none to it. */
const app = fastify({ bodyLimit: 20 })
frameworkErrors(app, { logger: createLogger('gateway', 'silent') })
app.post('/body', () => 'taken')
afterEach(() => app.close())

it('names the limit that a body exceeds, and its size where it is stated', async () => {
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const headers = { 'content-type': 'application/json' }
  const declared = await fetch(`${url}/body`, { method: 'POST', headers, body: JSON.stringify('x'.repeat(30)) })
  expect(declared.status).toBe(413)
  expect(await declared.json()).toMatchObject({
    error: { code: 'payload_too_large', message: expect.stringMatching(/\b32\b.*\b20\b/) },
  })
  const body = new Blob([JSON.stringify('x'.repeat(30))]).stream()
  const chunked = await fetch(`${url}/body`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
  expect(chunked.status).toBe(413)
  expect(await chunked.text()).toMatch(/\b20\b/)
})
