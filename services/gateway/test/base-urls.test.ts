import type { ProviderId } from '@sluice/contracts'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** Mistakes in an application's base URL are corrected, and nothing passes because of them that would otherwise be refused. */
let received: (string | undefined)[]

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  upstream.respond = (request, response) => {
    received.push(request.url)
    response.setHeader('content-type', 'application/json').end('{}')
  }
})
beforeEach(() => {
  received = []
})

const connect = (provider: ProviderId, basePath = '', settings: object = {}) =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: `${upstream.url}${basePath}`, ...settings })

describe.each<[ProviderId, string, string, string[]]>([
  [
    'openai',
    '/mount/v1',
    '/mount/v1/chat/completions',
    ['/v1/v1/chat/completions', '/chat/completions', '/v1//chat/completions/'],
  ],
  ['openai', '', '/v1/responses', ['/responses', '/v1/v1/responses?x=1']],
  ['groq', '/openai', '/openai/v1/chat/completions', ['/v1/chat/completions', '/openai/v1/openai/v1/chat/completions']],
  ['anthropic', '/v1', '/v1/messages', ['/messages', '/v1/v1/messages', '//v1/messages']],
  [
    'google',
    '/v1beta',
    '/v1beta/models/g:generateContent',
    ['/models/g:generateContent', '/v1beta/v1beta/models/g:generateContent'],
  ],
])('%s with a base URL that ends with %j', (provider, basePath, sent, paths) => {
  it.each(paths)('sends %s to the right path', async (path) => {
    const { baseURL } = await connect(provider, basePath)
    expect((await postJson(baseURL + path, data.apiKey, { model: 'g' })).status).toBe(200)
    const [, query] = path.split('?')
    expect(received).toEqual([query === undefined ? sent : `${sent}?${query}`])
  })
})

it.each(['/v1 ', '/v1\n', ' '])('ignores white space around a stored base URL: %j', async (end) => {
  const { baseURL } = await connect('openai', end)
  expect((await postJson(`${baseURL}/v1/chat/completions`, data.apiKey, { model: 'g' })).status).toBe(200)
  expect(received).toEqual(['/v1/chat/completions'])
})

it('finds the connection behind redundant slashes, and checks the path that it forwards', async () => {
  const { settings } = await connect('openai')
  const url = `${data.gateway.url}//connections//${settings.name}/v1/chat/completions`
  expect((await postJson(url, data.apiKey, { model: 'g' })).status).toBe(200)
  expect(received).toEqual(['/v1/chat/completions'])
})

it.each<[ProviderId, string]>([
  ['openai', '/v1/v1/realtime/client_secrets'],
  ['openai', '/v1//v1//organization/users'],
  ['openai', '/v1/v1/Organization/users'],
  ['groq', '/openai/v1/openai/v1/organization/projects'],
  ['anthropic', '/v1/v1/organizations/invites'],
])('%s: %s is administration despite the wrong base URL', async (provider, path) => {
  for (const basePath of ['', '/api']) {
    const { baseURL } = await connect(provider, basePath)
    const { status } = await postJson(baseURL + path, data.apiKey, {})
    expect(status).toBe(403)
  }
  expect(received).toEqual([])
})

it.each<[ProviderId, string]>([
  ['openai', '/v1/v1/chat/completions'],
  ['openai', '/chat/completions'],
  ['anthropic', '/messages'],
  ['google', '/models/other:generateContent'],
  ['google', '/v1beta/v1beta/models/other:generateContent'],
])('%s: %s is limited to the allowed models', async (provider, path) => {
  const { baseURL } = await connect(provider, '', { allowedModels: ['allowed-*'] })
  const { status, body } = await postJson(baseURL + path, data.apiKey, { model: 'other', max_tokens: 5 })
  expect([status, body.toString()]).toEqual([403, expect.stringContaining('does not allow the model')])
  expect(received).toEqual([])
})

it.each([['//connections//x/../y/v1/models'], ['/connections//../v1/models'], ['//connections/..%2f/v1/models']])(
  '%s leads nowhere',
  async (path) => {
    const { status } = await sendRequest(data.gateway.url + path, {
      headers: { authorization: `Bearer ${data.apiKey}` },
    })
    expect([400, 404]).toContain(status)
    expect(received).toEqual([])
  },
)
