import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { ResponseEvent } from '@sluice/contracts'
import { providerAdapter } from '@sluice/providers'
import { createLogger } from '@sluice/service-kit'
import { beforeEach, expect, it } from 'vitest'
import { ByteAccount } from '../http/held-bytes.ts'
import { forwardUnifiedCall, type UnifiedDeps } from './forward-unified-call.ts'

let events: ResponseEvent[]
let done: string[]

beforeEach(() => {
  events = []
  done = []
})

/** Makes a unified call of an Anthropic connection. @param read how bodies are read */
async function call(
  headers: Record<string, string>,
  read: (name: string, input: { readonly body: Buffer }) => unknown,
) {
  const settings = { id: 'c', name: 'prod', provider: 'anthropic', enabled: true, maxWaitMs: 0 }
  const connection = { settings, adapter: providerAdapter('anthropic') }
  const deps = {
    clock: { nowMs: () => 1, elapsedMs: () => 1 },
    connections: { byName: () => connection, all: () => [connection] },
    bodyReader: {
      read: async (name: string, input: { readonly body: Buffer }) => {
        done.push(name)
        return read(name, input)
      },
    },
    heldBytes: new ByteAccount(1_000_000),
    signer: { prepare: async () => void done.push('signer') },
    credentials: { get: () => void done.push('credential') },
    images: { fetch: async () => void done.push('images') },
    permits: { acquire: async () => void done.push('permit') },
    events: { record: (_id: string, _provider: string, event: ResponseEvent) => void events.push(event) },
  }
  const body = '{"model":"prod/claude"}'
  const request = new IncomingMessage(new Socket())
  request.method = 'POST'
  request.headers = { 'content-type': 'application/json', 'content-length': String(body.length), ...headers }
  request.push(body)
  request.push(null)
  const response = new ServerResponse(request)
  let sent = ''
  response.end = ((text: string) => {
    sent = text
    return response
  }) as typeof response.end
  const apiKey = { id: 'k', hash: 'h', allows: () => true }
  const unified = { requestId: 'r', startedAtMs: 0, apiKey, operation: 'chat', request, response } as const
  const options = { logger: createLogger('gateway', 'silent'), maxBodyBytes: 1_000, maxUploadBytes: 1_000 }
  await forwardUnifiedCall(deps as unknown as UnifiedDeps, unified, options)
  return { status: response.statusCode, body: JSON.parse(sent) }
}

const named = (_name: string, { body }: { readonly body: Buffer }) => ({ body, model: 'prod/claude' })

it('refuses a bad wait before it translates, fetches images, or requests a credential', async () => {
  const response = await call({ 'x-sluice-max-wait': 'soon' }, named)
  expect(response).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('x-sluice-max-wait') } },
  })
  expect(done).toEqual(['unifiedModel'])
  expect(events).toMatchObject([{ outcome: 'client_error' }])
})

it('responds with an internal error in OpenAI’s format, whatever the provider, and records it', async () => {
  const response = await call({}, (name, input) => {
    if (name === 'unifiedModel') return named(name, input)
    throw new Error('broken')
  })
  expect(response.status).toBe(500)
  expect(response.body).toMatchObject({ error: { message: 'Internal error.', code: 'internal', param: null } })
  expect(events).toMatchObject([{ outcome: 'upstream_error', model: '' }])
})

it('records nothing of a request that names no connection', async () => {
  const response = await call({}, (_name, { body }) => ({ body, model: 'claude' }))
  expect(response.status).toBe(400)
  expect(events).toEqual([])
})
