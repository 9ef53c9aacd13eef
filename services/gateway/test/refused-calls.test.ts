import { eventually } from '@sluice/testkit'
import { expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const MODEL = 'gpt-4.1-mini'
const CHAT = { model: MODEL, messages: [{ role: 'user', content: 'Say something.' }] }
let connection: FreshConnection

const data = startBeforeAll(() => startDataPath({ env: { MAX_BODY_BYTES: '4096' } }))

const fresh = async (apiKey = data.apiKey) => {
  const settings = { baseUrl: data.simulator.url, allowedModels: [MODEL] }
  connection = await freshConnection(data.gateway, apiKey, settings)
}
const post = (body: unknown, headers?: Record<string, string>, path = '/v1/chat/completions') =>
  postJson(`${connection.baseURL}${path}`, data.apiKey, body, headers)
const unified = (body: object) =>
  postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, {
    ...CHAT,
    model: `${connection.settings.name}/${MODEL}`,
    ...body,
  })

it.each([
  ['is no JSON', 400, () => post('{')],
  ['is for a model that is not allowed', 403, () => post({ ...CHAT, model: 'gpt-4o' })],
  ['has too large a body', 413, () => post({ ...CHAT, user: 'u'.repeat(5_000) })],
  ['would wait for nonsense', 400, () => post(CHAT, { 'x-sluice-max-wait': 'soon' })],
  ['expects what there is not', 417, () => post(CHAT, { expect: 'the unexpected' })],
  [
    'is for a model that is not allowed, at the unified endpoint',
    403,
    () => unified({ model: `${connection.settings.name}/gpt-4o` }),
  ],
])('a request that %s is recorded as the application’s error, and charged nothing', async (_, status, send) => {
  await fresh()
  const response = await send()
  expect(response.status).toBe(status)
  const event = await connection.ended('client_error')
  expect(event.requestId).toBe(response.headers['x-request-id'])
  expect(event.apiKeyId).not.toBe('')
  expect(event).not.toHaveProperty('upstreamStatus')
  expect(connection.events()).toHaveLength(1)
  await connection.isCharged({ requests: 0, tokens: 0 })
  expect(data.simulator.requests.counts().total).toBe(0)
})

it('records a request that the provider’s format cannot express', async () => {
  const settings = { baseUrl: data.simulator.url, provider: 'anthropic' as const }
  connection = await freshConnection(data.gateway, data.apiKey, settings)
  const response = await unified({ logprobs: true })
  expect(JSON.parse(response.body.toString()).error.param).toBe('logprobs')
  expect(await connection.ended('client_error')).not.toHaveProperty('upstreamStatus')
})

it('records no request to a connection that its key may not use, or that does not exist', async () => {
  await fresh()
  const refused = await postJson(`${connection.baseURL}/v1/chat/completions`, 'sl_wrong', '{')
  expect(refused.status).toBe(401)
  expect((await post('{', {}, '/nothing')).status).toBe(404)
  await post('{')
  await connection.ended('client_error')
  await eventually(() => expect(connection.events()).toHaveLength(1))
})
