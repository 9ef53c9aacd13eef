import { once } from 'node:events'
import { connect } from 'node:net'
import type { ProviderId } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import OpenAI, { PermissionDeniedError, toFile } from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { exchange, postJson, type RawAnswer } from './testing/exchange.ts'
import { type FreshConnection, freshConnection } from './testing/fresh-connection.ts'
import { type RawUpstream, startRawUpstream } from './testing/raw-upstream.ts'
import { startDataPath, type TestDataPath } from './testing/start-data-path.ts'

/** What a connection that is restricted to certain models lets through of the operations besides chats. */
const ALLOWED = ['allowed-*']
const MAX_BODY_BYTES = 4_096
let data: TestDataPath
let upstream: RawUpstream
/** The bodies that the provider got. */
let received: Buffer[]

beforeAll(async () => {
  data = await startDataPath({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES) } })
  upstream = await startRawUpstream()
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
afterAll(async () => {
  await data?.stop()
  await upstream?.stop()
})

const restricted = (provider: ProviderId, allowedModels = ALLOWED): Promise<FreshConnection> =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url, allowedModels })

const unrestricted = (provider: ProviderId): Promise<FreshConnection> =>
  freshConnection(data.gateway, data.apiKey, { provider, baseUrl: upstream.url })

function expectRefused({ status, body }: RawAnswer, message: RegExp): void {
  expect([status, body.toString()]).toEqual([403, expect.stringMatching(message)])
  expect(received).toEqual([])
}

const paths = { openai: '/v1', groq: '/openai/v1', anthropic: '/v1', google: '/v1beta' } as const

describe.each([
  ['openai', '/responses/compact', (model: string) => ({ model, input: [] })],
  ['openai', '/threads/runs', (model: string) => ({ model, assistant_id: 'a' })],
  ['openai', '/assistants', (model: string) => ({ model })],
  ['openai', '/fine_tuning/jobs', (model: string) => ({ model, training_file: 'f' })],
  ['openai', '/realtime/sessions', (model: string) => ({ model })],
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
  it('is for the models that are allowed', async () => {
    const { baseURL } = await restricted(provider)
    const url = `${baseURL}${paths[provider]}${path}`
    expectRefused(await postJson(url, data.apiKey, bodyOf('other')), /does not allow the model \\"other\\"/)
    expectRefused(await postJson(url, data.apiKey, bodyOf('')), /model cannot be told/)
    expect((await postJson(url, data.apiKey, bodyOf('allowed-2'))).status).toBe(200)
  })

  it('is for every model where all are allowed', async () => {
    const { baseURL } = await unrestricted(provider)
    const body = JSON.stringify(bodyOf('other'))
    expect((await postJson(`${baseURL}${paths[provider]}${path}`, data.apiKey, body)).status).toBe(200)
    expect(received.map(String)).toEqual([body])
  })
})

it('google: a batch is for the models that are allowed, of its path and of its requests', async () => {
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
  ['openai', '/realtime/client_secrets', { model: 'allowed-1' }],
  ['groq', '/batches', { model: 'allowed-1' }],
  ['google', '/tunedModels', { model: 'models/allowed-1', baseModel: 'models/x' }],
] as const)('%s: POST %s, whose model cannot be told, is for who may use all', async (provider, path, body) => {
  const { baseURL } = await restricted(provider)
  const url = `${baseURL}${paths[provider]}${path}`
  expectRefused(await postJson(url, data.apiKey, body), /model cannot be told/)
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
  expect((await exchange(`${baseURL}${paths[provider]}${path}`, { method, headers })).status).toBe(200)
})

describe('a form', () => {
  const transcribe = async ({ baseURL }: FreshConnection, model: string, sizeBytes = 10) => {
    const client = new OpenAI({ apiKey: data.apiKey, baseURL: `${baseURL}/v1`, maxRetries: 0 })
    return client.audio.transcriptions.create({ file: await toFile(Buffer.alloc(sizeBytes), 'a.wav'), model })
  }
  const post = ({ baseURL }: FreshConnection, body: string, type = 'multipart/form-data; boundary=b') =>
    exchange(`${baseURL}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${data.apiKey}`, 'content-type': type },
      body,
    })
  const part = (name: string, value: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`

  it('goes on as it came where it names a model that is allowed', async () => {
    const connection = await restricted('openai')
    expect(await transcribe(connection, 'allowed-1')).toMatchObject({ text: 'Hello' })
    const form = `${part('model', 'allowed-1')}${part('prompt', 'naïve')}--b--\r\n`
    expect((await post(connection, form)).status).toBe(200)
    expect(received[1]?.toString()).toBe(form)
    await eventually(() => expect(connection.events().map(({ model }) => model)).toEqual(['allowed-1', 'allowed-1']))
  })

  it('is refused where it names another, none, or more than one, or cannot be read', async () => {
    const connection = await restricted('openai')
    await expect(transcribe(connection, 'other')).rejects.toBeInstanceOf(PermissionDeniedError)
    const named = part('model', 'allowed-1')
    expectRefused(await post(connection, `${part('prompt', 'x')}--b--\r\n`), /model cannot be told/)
    expectRefused(await post(connection, `${named}${part('model', 'other')}--b--\r\n`), /model cannot be told/)
    expectRefused(await post(connection, named.slice(0, -4)), /model cannot be told/)
    const twice = 'multipart/form-data; boundary=b; boundary=c'
    expectRefused(await post(connection, `${named}--b--\r\n`, twice), /model cannot be told/)
  })

  it('is streamed on where every model is allowed, however long it is', async () => {
    expect(await transcribe(await unrestricted('openai'), 'other', 2 * MAX_BODY_BYTES)).toEqual({ text: 'Hello' })
  })

  it('may be no longer than what is held in memory, and leaves the gateway able to serve', async () => {
    const connection = await restricted('openai')
    const failing = transcribe(connection, 'allowed-1', 100 * MAX_BODY_BYTES)
    await expect(failing).rejects.toMatchObject({ status: 413, code: 'payload_too_large' })
    expect(await transcribe(connection, 'allowed-1')).toEqual({ text: 'Hello' })
  })

  it('may be given up half-way', async () => {
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
