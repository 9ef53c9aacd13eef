import { hashAccessToken } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postJson } from './support/send-request.ts'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

const BASE_URL = 'http://127.0.0.1:9'
let nats: TestNats
let gateway: TestGateway
let apiKey: string

beforeAll(async () => {
  nats = await testNats()
  gateway = await startGateway({ natsUrl: nats.url })
  apiKey = await gateway.apiKey()
})

afterAll(async () => {
  await gateway?.stop()
  await nats?.stop()
})

/** Returns the error code for a request without a body: `invalid_request` if its key and connection are valid. */
async function codeFor(name: string, { key = apiKey, path = '/v1/chat/completions' } = {}): Promise<string> {
  const { body } = await postJson(`${gateway.url}/connections/${name}${path}`, key, '')
  return JSON.parse(body.toString()).error.code
}

const eventuallyCode = (code: string, ...args: Parameters<typeof codeFor>) =>
  eventually(async () => expect(await codeFor(...args)).toBe(code), { timeoutMs: 1_000 })

describe('a connection', () => {
  it('is known by its new name after a renaming, and unknown after its deletion', async () => {
    const { settings } = await gateway.connection({ baseUrl: BASE_URL, name: 'before' })
    await eventuallyCode('invalid_request', 'before')
    await gateway.connections.put(settings.id, { ...settings, name: 'after', version: 2 })
    await eventuallyCode('invalid_request', 'after')
    expect(await codeFor('before')).toBe('connection_not_found')
    await gateway.connections.delete(settings.id)
    await eventuallyCode('connection_not_found', 'after')
  })

  it('that took the name of another keeps it when the other is deleted', async () => {
    const { settings: first } = await gateway.connection({ baseUrl: BASE_URL, name: 'shared' })
    const { settings: second } = await gateway.connection({ baseUrl: BASE_URL, name: 'shared' })
    await gateway.connections.put(first.id, { ...first, name: 'first', version: 2 })
    await eventuallyCode('invalid_request', 'first')
    expect(await codeFor('shared')).toBe('invalid_request')
    await gateway.connections.delete(second.id)
    await eventuallyCode('connection_not_found', 'shared')
  })

  it('is used with its current settings', async () => {
    const { settings } = await gateway.connection({ baseUrl: BASE_URL, name: 'switched' })
    await eventuallyCode('invalid_request', 'switched')
    await gateway.connections.put(settings.id, { ...settings, enabled: false, version: 2 })
    await eventuallyCode('connection_disabled', 'switched')
  })

  it.each(['https://169.254.169.254/v1', 'http://10.0.0.1/v1'])('to %s is not used', async (baseUrl) => {
    const { settings } = await gateway.connection({ baseUrl })
    await eventuallyCode('upstream_unreachable', settings.name)
  })
})

describe('an API key', () => {
  it('may use its connections, until that changes', async () => {
    const { settings: mine } = await gateway.connection({ baseUrl: BASE_URL })
    const { settings: other } = await gateway.connection({ baseUrl: BASE_URL })
    const key = await gateway.apiKey({ id: 'scoped', connections: [mine.id] })
    await eventuallyCode('invalid_request', mine.name, { key })
    await eventuallyCode('connection_forbidden', other.name, { key })
    const scoped = { id: 'scoped', name: 'scoped', connections: [other.id] }
    await gateway.apiKeys.put(hashAccessToken(key), scoped)
    await eventuallyCode('connection_forbidden', mine.name, { key })
    expect(await codeFor(other.name, { key })).toBe('invalid_request')
  })

  it('that is revoked is out of use within a second', async () => {
    const { settings } = await gateway.connection({ baseUrl: BASE_URL })
    const key = await gateway.apiKey()
    await eventuallyCode('invalid_request', settings.name, { key })
    await gateway.apiKeys.delete(hashAccessToken(key))
    await eventuallyCode('invalid_api_key', settings.name, { key })
  })

  it('is up to date again after NATS was unavailable', async () => {
    const { settings } = await gateway.connection({ baseUrl: BASE_URL })
    const key = await gateway.apiKey({ expiresAtMs: Date.now() + 60_000 })
    await eventuallyCode('invalid_request', settings.name, { key })
    await nats.restart()
    // The first attempts may go to the server that is no more.
    await eventually(() => gateway.apiKeys.delete(hashAccessToken(key)), { timeoutMs: 20_000 })
    await eventually(async () => expect(await codeFor(settings.name, { key })).toBe('invalid_api_key'))
  })
})
