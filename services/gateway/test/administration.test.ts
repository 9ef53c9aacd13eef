import type { ProviderId } from '@sluice/contracts'
import OpenAI, { PermissionDeniedError } from 'openai'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** Operations with which a provider hands out credentials, and who may reach them. */
/** The paths of the requests that the provider got. */
let received: (string | undefined)[]

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  upstream.respond = (request, response) => {
    received.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json').end('{"value":"ek_minted"}')
  }
})
beforeEach(() => {
  received = []
})

const connect = (provider: ProviderId, settings: { allowAdministration?: boolean; allowedModels?: string[] } = {}) =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url, ...settings })

describe.each([
  ['openai', '/v1/realtime/client_secrets'],
  ['openai', '/v1/realtime/transcription_sessions'],
  ['openai', '/v1/chatkit/sessions'],
  ['openai', '/v1/organization/admin_api_keys'],
  ['groq', '/openai/v1/organization/projects'],
  ['anthropic', '/v1/organizations/invites'],
  ['google', '/v1alpha/auth_tokens'],
] as const)('%s %s', (provider, path) => {
  it('is refused with every method, and the error names the setting', async () => {
    const { baseURL, isSettled } = await connect(provider)
    for (const method of ['POST', 'GET', 'DELETE']) {
      const headers = { authorization: `Bearer ${data.apiKey}` }
      const { status, body } = await sendRequest(`${baseURL}${path}`, { method, headers })
      expect([status, body.toString()]).toEqual([403, expect.stringContaining('allowAdministration')])
    }
    expect(received).toEqual([])
    expect(await isSettled()).toEqual({ requests: 0, tokens: 0 })
  })

  it('is forwarded if the connection allows it', async () => {
    const { baseURL } = await connect(provider, { allowAdministration: true })
    expect((await postJson(`${baseURL}${path}`, data.apiKey, {})).status).toBe(200)
    expect(received).toHaveLength(1)
  })

  it('is refused if models are restricted too, since those of a minted credential are unknown', async () => {
    const { baseURL } = await connect(provider, { allowAdministration: true, allowedModels: ['m'] })
    const { status, body } = await postJson(`${baseURL}${path}`, data.apiKey, { model: 'm' })
    expect([status, body.toString()]).toEqual([403, expect.stringMatching(/model is unknown/)])
    expect(received).toEqual([])
  })
})

it.each([
  '/v1//realtime/client_secrets/',
  '/v1/Realtime/Client_Secrets',
  '/v1/%72ealtime/client_secrets',
  '/v1/%2572ealtime/client_secrets',
  '/v1/realtime%2Fclient_secrets',
  '/v1/realtime%252Fclient_secrets',
  '/v1/realtime;a=b/client_secrets%20',
  '/v1/x/client_secrets',
  '/v1/organization%00/users',
])('is refused in every spelling: %s', async (path) => {
  const { baseURL } = await connect('openai')
  const { status, body } = await postJson(`${baseURL}${path}`, data.apiKey, {})
  expect([status, body.toString()]).toEqual([403, expect.stringContaining('administration_not_allowed')])
  expect(received).toEqual([])
})

it.each(['/v1/files/../realtime/sessions', '/v1/files/%252e%252e/realtime/sessions', '/v1/files/..%20/organization'])(
  'is not reached from elsewhere: %s',
  async (path) => {
    const { baseURL } = await connect('openai')
    expect((await postJson(`${baseURL}${path}`, data.apiKey, {})).status).toBeOneOf([403, 404])
    expect(received).toEqual([])
  },
)

it('raises an error of the provider’s SDK', async () => {
  const { baseURL } = await connect('openai')
  const client = new OpenAI({ apiKey: data.apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 })
  const failing = client.realtime.clientSecrets.create({ session: { type: 'realtime', model: 'gpt-realtime' } })
  await expect(failing).rejects.toBeInstanceOf(PermissionDeniedError)
  await expect(failing).rejects.toMatchObject({ code: 'administration_not_allowed' })
})

describe('a method override', () => {
  it.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])('is refused: %s', async (name) => {
    const { baseURL } = await connect('openai')
    const headers = { authorization: `Bearer ${data.apiKey}`, [name]: 'POST' }
    const { status, body } = await sendRequest(`${baseURL}/v1/chat/completions`, { headers })
    expect([status, body.toString()]).toEqual([400, expect.stringContaining(name.toLowerCase())])
    expect(received).toEqual([])
  })

  it('is refused at the unified endpoint, too', async () => {
    const { settings } = await connect('openai')
    const body = { model: `${settings.name}/m`, messages: [{ role: 'user', content: 'x' }] }
    const url = `${data.gateway.url}/v1/chat/completions`
    const { status } = await postJson(url, data.apiKey, body, { 'x-http-method-override': 'DELETE' })
    expect(status).toBe(400)
    expect((await postJson(url, data.apiKey, body)).status).toBe(200)
    expect(received).toEqual(['POST /v1/chat/completions'])
  })
})
