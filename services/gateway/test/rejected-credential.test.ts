import { credentialStatus, type ProviderId } from '@sluice/contracts'
import { subscribeEvent } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const KEY = 'sk-upstream-0123456789abcdef'
const MASKED = 'Incorrect API key provided: sk-upstr****cdef.'
const CALLS: readonly (readonly [ProviderId, string, object, number, object])[] = [
  [
    'openai',
    '/v1/chat/completions',
    { model: 'm', messages: [] },
    401,
    { error: { message: MASKED, code: 'invalid_api_key' } },
  ],
  [
    'groq',
    '/openai/v1/chat/completions',
    { model: 'm', messages: [] },
    401,
    { error: { message: MASKED, code: 'invalid_api_key' } },
  ],
  [
    'anthropic',
    '/v1/messages',
    { model: 'm', max_tokens: 9, messages: [] },
    401,
    { type: 'error', error: { type: 'authentication_error', message: MASKED } },
  ],
  [
    'google',
    '/v1beta/models/m:generateContent',
    { contents: [] },
    400,
    { error: { code: 400, message: MASKED, details: [{ reason: 'API_KEY_INVALID' }] } },
  ],
]
const USAGE = { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }
let requested: number
let reports: { readonly connectionId: string; readonly status: string; readonly version: number }[]

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  reports = []
  subscribeEvent(
    data.gateway.bus,
    credentialStatus,
    (event) => reports.push(event),
    () => undefined,
  )
  await data.gateway.bus.connection.flush()
})
beforeEach(() => {
  requested = 0
})

function respondWith(status: number, body: object): void {
  upstream.respond = (request, response) => {
    requested++
    request.resume()
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

const connection = (provider: ProviderId = 'openai') =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url, apiKey: KEY })
const statusesOf = ({ settings }: FreshConnection) =>
  reports.filter(({ connectionId }) => connectionId === settings.id).map(({ status }) => status)

describe.each(CALLS)('a credential that %s rejects', (provider, path, body, status, error) => {
  it('is a 502 in the endpoint’s format, without the provider’s message', async () => {
    respondWith(status, error)
    const target = await connection(provider)
    const chat = { model: `${target.settings.name}/m`, messages: [{ role: 'user', content: 'Hi' }] }
    for (const { headers, status: given, body: text } of [
      await postJson(`${target.baseURL}${path}`, data.apiKey, body),
      await postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, chat),
    ]) {
      expect([given, headers['x-should-retry'], headers['x-sluice-source']]).toEqual([502, 'false', 'gateway'])
      expect(text.toString()).toContain(`rejected the connection's credential (HTTP ${status})`)
      expect(text.toString()).not.toMatch(/sk-upstr|cdef/)
    }
    const event = await target.ended('upstream_error')
    expect(event.upstreamStatus).toBe(status)
    await target.isCharged({ requests: 2, tokens: 0 })
    // Once for the connection and version, not for every request.
    await eventually(() => expect(statusesOf(target)).toEqual(['rejected']))
    const warnings = data.gateway
      .logs()
      .split('\n')
      .filter((line) => line.includes('rejects the credential'))
    expect(warnings.filter((line) => line.includes(target.settings.name))).toHaveLength(1)
  })
})

it('is reported as accepted again after the next success', async () => {
  respondWith(401, { error: { message: MASKED } })
  const target = await connection()
  const send = () => postJson(`${target.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm' })
  expect((await send()).status).toBe(502)
  respondWith(200, USAGE)
  expect((await send()).status).toBe(200)
  await eventually(() => expect(statusesOf(target)).toEqual(['rejected', 'accepted']))
})

it('is not reported as accepted after a response that needs no key', async () => {
  respondWith(401, { error: { message: MASKED } })
  const target = await connection()
  await postJson(`${target.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm' })
  respondWith(200, { data: [] })
  const headers = { authorization: `Bearer ${data.apiKey}` }
  expect((await sendRequest(`${target.baseURL}/v1/models`, { headers })).status).toBe(200)
  expect((await postJson(`${target.baseURL}/v1/anything`, data.apiKey, { model: 'm' })).status).toBe(200)
  // Reports come in order: one of another connection comes after what these two may have been reported as.
  respondWith(401, { error: { message: MASKED } })
  const other = await connection()
  await postJson(`${other.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm' })
  await eventually(() => expect(statusesOf(other)).toEqual(['rejected']))
  expect(statusesOf(target)).toEqual(['rejected'])
  respondWith(200, USAGE)
  await postJson(`${target.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm' })
  await eventually(() => expect(statusesOf(target)).toEqual(['rejected', 'accepted']))
})

it('is reported by the unified list of models, too', async () => {
  respondWith(401, { error: { message: MASKED } })
  const target = await connection()
  await sendRequest(`${data.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${data.apiKey}` } })
  await eventually(() => expect(statusesOf(target)).toEqual(['rejected']))
})

it('is not retried by OpenAI’s SDK, which raises the error', async () => {
  respondWith(401, { error: { message: MASKED } })
  const target = await connection()
  const client = new OpenAI({ apiKey: data.apiKey, baseURL: `${target.baseURL}/v1`, maxRetries: 3 })
  const failure = client.chat.completions.create({ model: 'm', messages: [] })
  await expect(failure).rejects.toMatchObject({ status: 502, code: 'upstream_credential_rejected' })
  expect(requested).toBe(1)
})

describe('an error that is not about the connection’s credential', () => {
  it.each([
    [403, { error: { message: 'Project does not have access to model `o9`', code: 'model_not_found' } }],
    [404, { error: { message: 'no such model' } }],
    [401, { error: { message: 'key not allowed to access model o9', type: 'key_model_access_denied', code: '401' } }],
    [400, { error: { message: 'Invalid token in the prompt' } }],
  ])('is passed on: %i %j', async (status, error) => {
    respondWith(status, error)
    const target = await connection()
    const given = await postJson(`${target.baseURL}/v1/chat/completions`, data.apiKey, { model: 'o9' })
    expect([given.status, JSON.parse(given.body.toString())]).toEqual([status, error])
    await target.ended('client_error')
    expect(statusesOf(target)).toEqual([])
  })

  it.each([
    ['?access_token=wrong', {}],
    ['?%61ccess_token=wrong', {}],
    ['', { 'x-auth-token': 'wrong' }],
    ['', { 'ocp-apim-subscription-key': 'wrong' }],
  ])('is passed on if the application sent a credential of its own: %s %j', async (query, headers) => {
    respondWith(401, { error: { message: 'wrong' } })
    const target = await connection()
    const url = `${target.baseURL}/v1/chat/completions${query}`
    expect((await postJson(url, data.apiKey, { model: 'm' }, headers)).status).toBe(401)
    await target.ended('client_error')
    expect(statusesOf(target)).toEqual([])
  })

  it('is passed on with parts of the credential redacted', async () => {
    respondWith(401, { error: { message: MASKED, code: 'invalid_api_key' } })
    const target = await connection()
    const headers = { 'ocp-apim-subscription-key': 'wrong' }
    const given = await postJson(`${target.baseURL}/v1/chat/completions`, data.apiKey, { model: 'm' }, headers)
    expect([given.status, given.body.toString()]).toEqual([401, expect.stringContaining('provided: [redacted].')])
    expect(statusesOf(target)).toEqual([])
  })
})

it.each([
  ['', { 'x-author': 'me' }],
  ['', { 'x-request-token-budget': '100' }],
  ['', { 'x-amzn-oidc-accesstoken': 'ey' }],
  ['', { 'ocp-apim-subscription-key': 'x', connection: 'keep-alive, ocp-apim-subscription-key' }],
  ['?max_tokens=5&author=me', {}],
])('reports a rejection whatever else the application sends: %s %j', async (query, headers) => {
  respondWith(401, { error: { message: MASKED, code: 'invalid_api_key' } })
  const target = await connection()
  const given = await postJson(`${target.baseURL}/v1/chat/completions${query}`, data.apiKey, { model: 'm' }, headers)
  expect([given.status, given.body.toString()]).toEqual([502, expect.not.stringMatching(/sk-upstr|cdef/)])
  await eventually(() => expect(statusesOf(target)).toEqual(['rejected']))
})
