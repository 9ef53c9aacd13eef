import { once } from 'node:events'
import { connect } from 'node:net'
import type { ProviderId } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import OpenAI, { PermissionDeniedError, toFile } from 'openai'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, type RawResponse, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** The operations besides chats that a connection lets through if it is restricted to certain models. */
const ALLOWED = ['allowed-*']
const MAX_BODY_BYTES = 4_096
/** The bodies that the provider got. */
let received: Buffer[]

const data = startBeforeAll(() => startDataPath({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES) } }))
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  upstream.respond = (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      received.push(Buffer.concat(pieces))
      response.setHeader('content-type', 'application/json').end('{"text":"Hello"}')
    })
  }
})
beforeEach(() => {
  received = []
})

const restricted = (provider: ProviderId, allowedModels = ALLOWED): Promise<FreshConnection> =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url, allowedModels })

const unrestricted = (provider: ProviderId): Promise<FreshConnection> =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url })

function expectRefused({ status, body }: RawResponse, message: RegExp): void {
  expect([status, body.toString()]).toEqual([403, expect.stringMatching(message)])
  expect(received).toEqual([])
}

const paths = { openai: '/v1', groq: '/openai/v1', anthropic: '/v1', google: '/v1beta' } as const

describe.each([
  ['openai', '/responses/compact', (model: string) => ({ model, input: [] })],
  ['openai', '/threads/runs', (model: string) => ({ model, assistant_id: 'a' })],
  ['openai', '/assistants', (model: string) => ({ model })],
  ['openai', '/fine_tuning/jobs', (model: string) => ({ model, training_file: 'f' })],
  ['openai', '/rerank', (model: string) => ({ model })],
  ['openai', '/moderations', (model: string) => ({ model, input: 'x' })],
  ['openai', '/images/generations', (model: string) => ({ model, prompt: 'x' })],
  ['groq', '/audio/speech', (model: string) => ({ model, input: 'x' })],
  ['anthropic', '/agents', (model: string) => ({ model })],
  [
    'anthropic',
    '/messages/batches',
    (model: string) => ({ requests: [{ params: { model: 'allowed-1' } }, { params: { model } }] }),
  ],
  ['google', '/cachedContents', (model: string) => ({ model: `models/${model}` })],
] as const)('%s: POST %s', (provider, path, bodyOf) => {
  it('is accepted for allowed models only', async () => {
    const { baseURL } = await restricted(provider)
    const url = `${baseURL}${paths[provider]}${path}`
    expectRefused(await postJson(url, data.apiKey, bodyOf('other')), /does not allow the model \\"other\\"/)
    expectRefused(await postJson(url, data.apiKey, bodyOf('')), /model is unknown/)
    expect((await postJson(url, data.apiKey, bodyOf('allowed-2'))).status).toBe(200)
  })

  it('is accepted for every model if all are allowed', async () => {
    const { baseURL } = await unrestricted(provider)
    const body = JSON.stringify(bodyOf('other'))
    expect((await postJson(`${baseURL}${paths[provider]}${path}`, data.apiKey, body)).status).toBe(200)
    expect(received.map(String)).toEqual([body])
  })
})

it('google: a batch is accepted only for allowed models, of its path and of its requests', async () => {
  const { baseURL } = await restricted('google')
  const send = (model: string, ofRequest: string) =>
    postJson(`${baseURL}/v1beta/models/${model}:batchGenerateContent`, data.apiKey, {
      batch: { inputConfig: { requests: { requests: [{ request: { model: `models/${ofRequest}` } }] } } },
    })
  expectRefused(await send('other', 'allowed-1'), /does not allow the model \\"other\\"/)
  expectRefused(await send('allowed-1', 'other'), /does not allow the model \\"other\\"/)
  expect((await send('allowed-1', 'allowed-2')).status).toBe(200)
})

it.each([
  ['openai', '/batches', { model: 'allowed-1', input_file_id: 'f', endpoint: '/v1/responses' }],
  ['openai', '/threads/t/runs', { assistant_id: 'a' }],
  ['openai', '/threads/t/runs/r/submit_tool_outputs', { model: 'allowed-1', tool_outputs: [] }],
  ['openai', '/evals/e/runs', { model: 'allowed-1' }],
  ['openai', '/threads/runs', { assistant_id: 'a', tools: [{ model: 'allowed-1' }] }],
  ['openai', '/rerank', { query: 'x' }],
  ['openai', '/responses', { prompt: { id: 'p' } }],
  ['groq', '/batches', { model: 'allowed-1' }],
  ['google', '/tunedModels', { model: 'models/allowed-1', baseModel: 'models/x' }],
] as const)('%s: POST %s, whose model is unknown, is for who may use all', async (provider, path, body) => {
  const { baseURL } = await restricted(provider)
  const url = `${baseURL}${paths[provider]}${path}`
  expectRefused(await postJson(url, data.apiKey, body), /model is unknown/)
  const open = await unrestricted(provider)
  expect((await postJson(`${open.baseURL}${paths[provider]}${path}`, data.apiKey, body)).status).toBe(200)
})

it.each([
  ['openai', 'GET', '/assistants'],
  ['openai', 'POST', '/files'],
  ['openai', 'POST', '/batches/b/cancel'],
  ['anthropic', 'POST', '/messages/batches/b/cancel'],
  ['google', 'POST', '/batches/b:cancel'],
] as const)('%s: %s %s, which runs no model, is for everybody', async (provider, method, path) => {
  const { baseURL } = await restricted(provider)
  const headers = { authorization: `Bearer ${data.apiKey}` }
  expect((await sendRequest(`${baseURL}${paths[provider]}${path}`, { method, headers })).status).toBe(200)
})

/** Requests that one server takes for the model that is allowed, and another for one that is not. */
describe('a model that is named twice, or in another place', () => {
  const chat =
    (body: string, query = '') =>
    async (provider: 'openai' | 'groq', headers = {}) => {
      const { baseURL } = await restricted(provider)
      return postJson(`${baseURL}${paths[provider]}/chat/completions${query}`, data.apiKey, body, headers)
    }
  const AMBIGUOUS = /distinguishes models, and the body has/
  const FORBIDDEN = /does not allow the model \\"other\\"/
  const UNKNOWN = /model is unknown/

  it.each([
    ['{"model":"other","model":"allowed-1"}', AMBIGUOUS],
    ['{"model":"allowed-1","model":"other"}', AMBIGUOUS],
    ['{"model":"allowed-1","model":"allowed-1"}', AMBIGUOUS],
    ['{"mod\\u0065l":"other","model":"allowed-1"}', AMBIGUOUS],
    ['{"model":"allowed-1","Model":"other"}', AMBIGUOUS],
    ['{"model":"allowed-1","MODEL":"other"}', AMBIGUOUS],
    ['{"model":"allowed-1","model\\u0000":"other"}', AMBIGUOUS],
    ['{"model":"allowed-1","Models":["other"]}', AMBIGUOUS],
    ['{"model":"allowed-1","modelſ":["other"]}', AMBIGUOUS],
    ['{"model":"allowed-1","tools":[{"model":"other","model":"allowed-1"}]}', AMBIGUOUS],
    ['{"model":"allowed-1","tools":[{"Model":"other"}]}', AMBIGUOUS],
    ['{"model":"allowed-1","models":["allowed-2","other"]}', FORBIDDEN],
    ['{"model":"allowed-1","models":"other"}', FORBIDDEN],
    ['{"model":"allowed-1","models":{"0":"other"}}', UNKNOWN],
    ['{"model":"allowed-1","fallbacks":[{"model":"other"}]}', FORBIDDEN],
    ['{"model":"allowed-1","tools":[{"type":"image_generation","model":"other"}]}', FORBIDDEN],
    ['{"model":"allowed-1","compound_custom":{"models":{"answering_model":"other"}}}', FORBIDDEN],
    ['{"__proto__":{"model":"allowed-1"}}', UNKNOWN],
    ['{"model":["allowed-1"]}', UNKNOWN],
    ['{"Model":"allowed-1"}', AMBIGUOUS],
  ])('is refused in the body: %s', async (body, message) => {
    expectRefused(await chat(body)('openai'), message)
    expectRefused(await chat(body)('groq'), message)
  })

  it.each([
    ['?model=other', FORBIDDEN],
    ['?a=1&Model=other', FORBIDDEN],
    ['?m%6Fdel=other', FORBIDDEN],
    ['?a=1;model=other', FORBIDDEN],
    ['?models[]=allowed-1&models[]=other', FORBIDDEN],
    ['?deployment=other', FORBIDDEN],
    ['?model=', UNKNOWN],
  ])('is refused in the query: %s', async (query, message) => {
    expectRefused(await chat('{"model":"allowed-1"}', query)('openai'), message)
  })

  it.each([
    '{"model":"allowed-1","models":["allowed-2"],"tools":[{"model":"allowed-3"}]}',
    '{"model":"allowed-1","messages":[{"role":"user","content":"\\"model\\":\\"other\\"","model":"other"}]}',
    '{"model":"allowed-1","tools":[{"function":{"parameters":{"properties":{"model":{},"Model":{}}}}}]}',
    '{"tools":[],"model":"allowed-1","metadata":{"Model":"T","model":"other"}}',
  ])('is forwarded if all named models are allowed: %s', async (body) => {
    expect((await chat(body, '?user=other')('openai')).status).toBe(200)
    expect(received.map(String)).toEqual([body])
  })

  it('is refused in the path, whatever the body names', async () => {
    const { baseURL } = await restricted('openai')
    const send = (path: string, model?: string) => postJson(`${baseURL}/v1/${path}`, data.apiKey, model && { model })
    expectRefused(await send('engines/other/completions', 'allowed-1'), FORBIDDEN)
    expectRefused(await send('Engines/%6Fther/completions', 'allowed-1'), FORBIDDEN)
    expectRefused(await send('deployments/other/chat/completions', 'allowed-1'), FORBIDDEN)
    expectRefused(await send('models/other:generate', 'allowed-1'), FORBIDDEN)
    expectRefused(await send('engines/allowed-1/completions', 'other'), FORBIDDEN)
    expect((await send('engines/allowed-1/completions', 'allowed-2')).status).toBe(200)
  })

  it.each([
    ['{"model":"allowed-1","session":{"model":"other"}}', FORBIDDEN],
    ['{"model":"allowed-1","x":[{"base_model":"other"}]}', FORBIDDEN],
    ['{"model":"allowed-1","session":{"Model":"other"}}', AMBIGUOUS],
    ['{"model":"allowed-1","session":{"model":"allowed-1","model":"other"}}', AMBIGUOUS],
    ['{"session":{"model":"allowed-1"}}', UNKNOWN],
    ['not JSON', UNKNOWN],
    ['[{"model":"allowed-1"}]', UNKNOWN],
  ])('is refused at any depth of an unlisted operation’s body: %s', async (body, message) => {
    const { baseURL } = await restricted('openai')
    for (const path of ['/v1/x', '/v1/Chat/Completions', '/v1/fine_tuning/jobs'])
      expectRefused(await postJson(`${baseURL}${path}`, data.apiKey, body), message)
  })

  it.each([
    ['anthropic', '/v1/messages', '{"model":"allowed-1","model":"other","max_tokens":1,"messages":[]}', AMBIGUOUS],
    ['anthropic', '/v1/messages', '{"model":"allowed-1","tools":[{"name":"advisor","model":"other"}]}', FORBIDDEN],
    [
      'anthropic',
      '/v1/messages/batches',
      '{"requests":[{"params":{"model":"allowed-1"}},{"params":{"model":"other","model":"allowed-1"}}]}',
      AMBIGUOUS,
    ],
    ['anthropic', '/v1/sessions', '{"agent":"a"}', UNKNOWN],
    ['google', '/v1beta/models/allowed-1:generateContent', '{"model":"models/other"}', FORBIDDEN],
    ['google', '/v1beta/models/allowed-1:generateContent?model=other', '{}', FORBIDDEN],
    ['google', '/v1beta/models/allowed-1:batchEmbedContents', '{"requests":[{"model":"models/other"}]}', FORBIDDEN],
    [
      'google',
      '/v1beta/models/allowed-1:embedContent',
      '{"model":"models/other","model":"models/allowed-1"}',
      AMBIGUOUS,
    ],
    ['google', '/v1beta/models/other:countTokens', '{}', FORBIDDEN],
    ['google', '/v1beta/tunedModels/allowed-1:generateContent', '{}', /tunedModels\/allowed-1/],
  ] as const)('is refused by %s: %s %s', async (provider, path, body, message) => {
    const { baseURL } = await restricted(provider)
    const { status, body: clientResponse } = await postJson(`${baseURL}${path}`, data.apiKey, body)
    expect([status, clientResponse.toString()]).toEqual([403, expect.stringMatching(message)])
    expect(received).toEqual([])
  })

  it('is refused at the unified endpoint, which forwards members unchanged', async () => {
    const { settings } = await restricted('openai')
    const send = (more: string) =>
      postJson(`${data.gateway.url}/v1/chat/completions`, data.apiKey, `{"messages":[],${more}}`)
    const model = `"model":"${settings.name}/allowed-1"`
    expectRefused(await send(`"model":"other",${model}`), AMBIGUOUS)
    expectRefused(await send(`"Model":"other",${model}`), AMBIGUOUS)
    expectRefused(await send(`${model},"models":["other"]`), FORBIDDEN)
    expect((await send(model)).status).toBe(200)
  })

  it.each([
    ['text/plain', '{"model":"allowed-1"}'],
    [undefined, '{"model":"allowed-1"}'],
    ['application/x-www-form-urlencoded', 'model=allowed-1&model=other'],
    ['application/json; charset=utf-16', '{"model":"allowed-1"}'],
    ['application/json; charset="utf-7"', '{"model":"allowed-1","x":"+ACI-,+ACI-model+ACI-:+ACI-other"}'],
    ['application/json', Buffer.from('\ufeff{"model":"allowed-1"}', 'utf16le')],
    ['application/json', '\ufeff{"model":"allowed-1"}'],
    ['application/json', Buffer.from('{"model":"allowed-1"}', 'utf16le')],
  ])('is refused in a body that servers read differently: %s', async (type, body) => {
    const { baseURL } = await restricted('openai')
    for (const path of ['/v1/chat/completions', '/v1/x', '/v1/audio/transcriptions']) {
      const headers = { authorization: `Bearer ${data.apiKey}`, ...(type && { 'content-type': type }) }
      const { status } = await sendRequest(`${baseURL}${path}`, { method: 'POST', headers, body })
      expect(status).toBeOneOf([400, 403])
    }
    expect(received).toEqual([])
  })

  it.each([
    ['gzip', 400],
    ['br', 400],
    ['x', 415],
  ])('is refused in a body with a wrong content encoding: %s', async (encoding, refused) => {
    const headers = { 'content-encoding': encoding }
    expect((await chat('{"model":"allowed-1"}')('openai', headers)).status).toBe(refused)
    expect(received).toEqual([])
  })

  it('is forwarded unchanged if every model is allowed', async () => {
    const { baseURL } = await unrestricted('openai')
    const body = '{"model":"a","Model":"b","model":"c","models":["d"]}'
    const url = `${baseURL}/v1/chat/completions?model=e`
    expect((await postJson(url, data.apiKey, body)).status).toBe(200)
    expect(received.map(String)).toEqual([body])
  })

  it('is refused if a model has limits of its own', async () => {
    const { baseURL } = await freshConnection(data.gateway, data.apiKey, {
      baseUrl: upstream.url,
      enforceDiscovered: true,
    })
    const send = (body: string) => postJson(`${baseURL}/v1/chat/completions`, data.apiKey, body)
    expectRefused(await send('{"model":"a","model":"b"}'), AMBIGUOUS)
    expectRefused(await send('{"Model":"b"}'), AMBIGUOUS)
    expect((await send('{"model":"b","models":["c"]}')).status).toBe(200)
  })
})

describe('a form', () => {
  const transcribe = async ({ baseURL }: FreshConnection, model: string, sizeBytes = 10) => {
    const client = new OpenAI({ apiKey: data.apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 })
    return client.audio.transcriptions.create({ file: await toFile(Buffer.alloc(sizeBytes), 'a.wav'), model })
  }
  const post = ({ baseURL }: FreshConnection, body: string, type = 'multipart/form-data; boundary=b') =>
    sendRequest(`${baseURL}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${data.apiKey}`, 'content-type': type },
      body,
    })
  const part = (name: string, value: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

  it('is forwarded unchanged if it names an allowed model', async () => {
    const connection = await restricted('openai')
    expect(await transcribe(connection, 'allowed-1')).toMatchObject({ text: 'Hello' })
    const form = `${part('model', 'allowed-1')}${part('prompt', 'naïve')}--b--\r\n`
    expect((await post(connection, form)).status).toBe(200)
    expect(received[1]?.toString()).toBe(form)
    await eventually(() => expect(connection.events().map(({ model }) => model)).toEqual(['allowed-1', 'allowed-1']))
  })

  it('is refused if it names another model, none, or several, or cannot be read', async () => {
    const connection = await restricted('openai')
    await expect(transcribe(connection, 'other')).rejects.toBeInstanceOf(PermissionDeniedError)
    const named = part('model', 'allowed-1')
    expectRefused(await post(connection, `${part('prompt', 'x')}--b--\r\n`), /model is unknown/)
    expectRefused(await post(connection, `${named}${part('model', 'other')}--b--\r\n`), /model is unknown/)
    expectRefused(await post(connection, named.slice(0, -4)), /model is unknown/)
    expectRefused(await post(connection, `${named}${part('Model', 'other')}--b--\r\n`), /model is unknown/)
    expectRefused(await post(connection, `${named}${part('models[]', 'other')}--b--\r\n`), /model is unknown/)
    const file = '--b\r\ncontent-disposition: form-data; name="model"; filename="f"\r\n\r\nallowed-1\r\n'
    expectRefused(await post(connection, `${file}--b--\r\n`), /model is unknown/)
    expectRefused(await post(connection, `${named}${file}--b--\r\n`), /model is unknown/)
    for (const disposition of [
      'name="prompt"; name="model"',
      "name*=utf-8''model",
      'name=model',
      'name="prompt"; NAME="model"',
      'name="model\\""',
      'name="x"; filename="\\"; name=model; a=\\""',
    ]) {
      const other = `--b\r\ncontent-disposition: form-data; ${disposition}\r\n\r\nother\r\n`
      expectRefused(await post(connection, `${named}${other}--b--\r\n`), /model is unknown/)
    }
    const twice = 'multipart/form-data; boundary=b; boundary=c'
    expectRefused(await post(connection, `${named}--b--\r\n`, twice), /model is unknown/)
  })

  it('is streamed, however long, if every model is allowed', async () => {
    expect(await transcribe(await unrestricted('openai'), 'other', 2 * MAX_BODY_BYTES)).toEqual({ text: 'Hello' })
  })

  it('is refused if it is too long for memory, without harm to the gateway', async () => {
    const connection = await restricted('openai')
    const failing = transcribe(connection, 'allowed-1', 100 * MAX_BODY_BYTES)
    await expect(failing).rejects.toMatchObject({ status: 413, code: 'payload_too_large' })
    expect(await transcribe(connection, 'allowed-1')).toEqual({ text: 'Hello' })
  })

  it('may be aborted halfway', async () => {
    const { baseURL } = await restricted('openai')
    const { hostname, port, pathname } = new URL(`${baseURL}/v1/audio/transcriptions`)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${data.apiKey}\r\nexpect: 100-continue\r\n` +
        `content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000\r\n\r\n`,
    )
    await once(socket, 'data')
    socket.write(part('model', 'allowed-1'), () => socket.destroy())
    await once(socket, 'close')
    const other = await restricted('openai')
    expect(await transcribe(other, 'allowed-1')).toEqual({ text: 'Hello' })
    expect(data.gateway.logs()).not.toContain('"level":50')
  })
})
