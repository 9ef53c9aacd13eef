import { once } from 'node:events'
import { request } from 'node:http'
import type { ProjectedConnection } from '@sluice/contracts'
import { hashAccessToken } from '@sluice/service-kit'
import { eventually } from '@sluice/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RawUpstream, startRawUpstream } from './support/raw-upstream.ts'
import { postJson, type RawResponse } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const BODY = { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Where to?' }], max_tokens: 9 }
const OLD = { apiKey: 'sk-old-key-of-the-old-host' }
const NEW = { apiKey: 'sk-new-key-of-the-new-host' }
let hosts: RawUpstream[]
/** The requests that have arrived: with which key, at which host. */
let arrived: string[]

const data = startBeforeAll(startDataPath)
beforeAll(async () => {
  hosts = await Promise.all(['old', 'new'].map(hostCalled))
})

afterAll(async () => {
  await Promise.all([...(hosts ?? []).map((host) => host.stop())])
})

beforeEach(() => {
  arrived = []
})

async function hostCalled(name: string): Promise<RawUpstream> {
  const host = await startRawUpstream()
  host.respond = (request, response) => {
    arrived.push(`${request.headers.authorization} at ${name}`)
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end('{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}')
  }
  return host
}

const urlOf = (at: number): string => hosts[at]?.url ?? ''

/** A connection to the old host that has room for one request, which has been made. */
async function fullConnection(settings: Partial<ProjectedConnection> = {}) {
  const capacity = [{ period: 'minute' as const, requests: 1 }]
  const made = await data.gateway.connection({ baseUrl: urlOf(0), apiKey: OLD.apiKey, capacity, ...settings })
  const apiKey = await data.gateway.apiKey()
  const send = (maxWait = '0'): Promise<RawResponse> =>
    postJson(`${made.baseURL}/chat/completions`, apiKey, BODY, { 'x-sluice-max-wait': maxWait })
  await eventually(async () => expect((await send()).status).toBe(200))
  await eventually(async () => expect((await send()).status).toBe(429))
  return { ...made, apiKey, send }
}

/** Has room for more, and these changes. */
async function change({ id, ...settings }: ProjectedConnection, changes: Partial<ProjectedConnection> = {}) {
  const capacity = [{ period: 'minute' as const, requests: 100 }]
  await data.gateway.connections.put(id, { ...settings, id, capacity, version: settings.version + 1, ...changes })
}

/** Begins a request that waits; resolves when it does, as later ones of the same connection have been denied by then. */
async function startWaiting(
  send: (maxWait?: string) => Promise<RawResponse>,
): Promise<{ readonly clientResponse: Promise<RawResponse> }> {
  arrived = []
  const clientResponse = send('120')
  for (let later = 0; later < 2; later++) expect((await send()).status).toBe(429)
  return { clientResponse }
}

describe('a request that waits for its permit', () => {
  it('goes to the connection’s new host, with the key for it', async () => {
    const { settings, send } = await fullConnection()
    const waiting = await startWaiting(send)
    data.gateway.credentials.set(settings.id, NEW)
    await change(settings, { config: { baseUrl: urlOf(1) }, credentialVersion: 2 })
    expect((await waiting.clientResponse).status).toBe(200)
    expect(arrived).toEqual([`Bearer ${NEW.apiKey} at new`])
  })

  it.each<[string, number, string, (settings: ProjectedConnection, apiKey: string) => Promise<unknown>]>([
    [
      'its key is revoked',
      401,
      'invalid_api_key',
      async (settings, apiKey) => {
        await data.gateway.apiKeys.delete(hashAccessToken(apiKey))
        await change(settings)
      },
    ],
    [
      'its key may no longer use the connection',
      403,
      'connection_forbidden',
      async (settings, apiKey) => {
        await data.gateway.apiKeys.put(hashAccessToken(apiKey), { id: 'k', name: 'k', connections: ['other'] })
        await change(settings)
      },
    ],
    [
      'its key expires',
      401,
      'invalid_api_key',
      async (settings, apiKey) => {
        const expired = { id: 'k', name: 'k', connections: '*' as const, expiresAtMs: Date.now() }
        await data.gateway.apiKeys.put(hashAccessToken(apiKey), expired)
        await change(settings)
      },
    ],
    ['its connection is disabled', 403, 'connection_disabled', (settings) => change(settings, { enabled: false })],
    [
      'its connection gets another name',
      404,
      'connection_not_found',
      (settings) => change(settings, { name: `${settings.name}-2` }),
    ],
    [
      'its model is no longer allowed',
      403,
      'model_not_allowed',
      (settings) => change(settings, { allowedModels: ['other-*'] }),
    ],
  ])('is refused when %s', async (_, status, code, happens) => {
    const { settings, apiKey, send } = await fullConnection()
    const waiting = await startWaiting(send)
    await happens(settings, apiKey)
    const clientResponse = await waiting.clientResponse
    expect(clientResponse.body.toString()).toContain(code)
    expect(clientResponse.status).toBe(status)
    expect(arrived).toEqual([])
  })

  it('refunds its permit when it is refused', async () => {
    const { settings, send } = await fullConnection()
    const waiting = await startWaiting(send)
    // One more than is used: the refused one is to leave it.
    await change(settings, { enabled: false, capacity: [{ period: 'minute', requests: 2 }] })
    expect((await waiting.clientResponse).status).toBe(403)
    await change(settings, { capacity: [{ period: 'minute', requests: 2 }], version: 9 })
    await eventually(async () => expect((await send()).status).toBe(200))
    expect((await send()).status).toBe(429)
  })
})

describe('a change of host and key', () => {
  it('never sends a key to a host for which it was not stored, while the new key is being fetched', async () => {
    const { settings, send } = await openConnection()
    const held = Promise.withResolvers<typeof NEW>()
    data.gateway.credentials.set(settings.id, held.promise)
    await change(settings, { config: { baseUrl: urlOf(1) }, credentialVersion: 2 })
    arrived = []
    const under = Array.from({ length: 20 }, () => send())
    await eventually(() => expect(data.gateway.credentialRequests).toContainEqual(versionOf(settings, 2)))
    under.push(send())
    held.resolve(NEW)
    for (const clientResponse of await Promise.all(under)) expect(clientResponse.status).toBe(200)
    const right = [`Bearer ${OLD.apiKey} at old`, `Bearer ${NEW.apiKey} at new`]
    expect(arrived.filter((each) => !right.includes(each))).toEqual([])
    expect(arrived).toContain(`Bearer ${NEW.apiKey} at new`)
  })

  it('applies to a request whose body is still arriving', async () => {
    const { settings, baseURL, apiKey } = await openConnection()
    const text = JSON.stringify(BODY)
    const slow = request(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', 'content-length': text.length },
    })
    slow.write(text.slice(0, 9))
    data.gateway.credentials.set(settings.id, NEW)
    await change(settings, { config: { baseUrl: urlOf(1) }, credentialVersion: 2 })
    await eventually(() => expect(data.gateway.credentialRequests).toContainEqual(versionOf(settings, 2)))
    arrived = []
    slow.end(text.slice(9))
    const [clientResponse] = await once(slow, 'response')
    expect(clientResponse.statusCode).toBe(200)
    clientResponse.resume()
    expect(arrived).toEqual([`Bearer ${NEW.apiKey} at new`])
  })

  it('of the key alone fails no request', async () => {
    const { settings, send } = await openConnection()
    const held = Promise.withResolvers<typeof NEW>()
    data.gateway.credentials.set(settings.id, held.promise)
    await change(settings, { credentialVersion: 2 })
    await eventually(() => expect(data.gateway.credentialRequests).toContainEqual(versionOf(settings, 2)))
    arrived = []
    expect((await send()).status).toBe(200)
    held.resolve(NEW)
    await eventually(async () => {
      expect((await send()).status).toBe(200)
      expect(arrived.at(-1)).toBe(`Bearer ${NEW.apiKey} at old`)
    })
  })
})

/** A connection to the old host without limits, which has been called. */
async function openConnection() {
  const made = await data.gateway.connection({ baseUrl: urlOf(0), apiKey: OLD.apiKey })
  const apiKey = await data.gateway.apiKey()
  const send = (): Promise<RawResponse> => postJson(`${made.baseURL}/chat/completions`, apiKey, BODY)
  await eventually(async () => expect((await send()).status).toBe(200))
  return { ...made, apiKey, send }
}

function versionOf({ id }: ProjectedConnection, version: number) {
  return { connectionId: id, version }
}
