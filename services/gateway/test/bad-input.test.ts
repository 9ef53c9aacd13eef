import { capacityStatus } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS } from '@sluice/providers'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { postJson, type RawRequest, type RawResponse, sendRequest, sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'

const BODY = '{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Say something."}]}'
const MAX_BODY_BYTES = 25 * 1024 * 1024
const MAX_UPLOAD_BYTES = 1024 * 1024
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string
let baseURL: string
let connectionId: string

const env = {
  MAX_BODY_BYTES: String(MAX_BODY_BYTES),
  MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
  REQUEST_TIMEOUT_MS: '5000',
}
const data = startBeforeAll(() => startDataPath({ env }))
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = data)
  const capacityLimits = [{ period: 'day' as const, requests: 1_000 }]
  const made = await gateway.connection({ name: 'prod', baseUrl: simulator.url, capacity: capacityLimits })
  baseURL = made.baseURL
  connectionId = made.settings.id
  await eventually(async () => expect((await post('')).status).toBe(400))
})

afterEach(async () => {
  // Whatever came in, the process is alive and serves.
  expect((await post(BODY)).status).toBe(200)
})

const post = (body: string, path = '/chat/completions') => postJson(`${baseURL}${path}`, apiKey, body)
const send = (path: string, { headers = {}, ...options }: RawRequest) =>
  sendRequest(`${baseURL}${path}`, { ...options, headers: { authorization: `Bearer ${apiKey}`, ...headers } })

function expectError(clientResponse: RawResponse, status: number, code: string): void {
  expect(clientResponse.body.toString()).toContain(code)
  const { error } = JSON.parse(clientResponse.body.toString())
  expect(error).toEqual({ message: expect.any(String), type: expect.any(String), param: null, code })
  expect(clientResponse.status).toBe(status)
  expect(clientResponse.headers).toMatchObject({
    'content-type': expect.stringContaining('application/json'),
    'x-sluice-source': 'gateway',
    'x-request-id': expect.stringMatching(/.+/),
  })
}

describe('a body', () => {
  it.each([
    ['that is not JSON', '{"model":'],
    ['that is empty', ''],
    ['that is an array', '[]'],
    ['that is a string', '"x"'],
    ['that is null', 'null'],
    ['with too long a model', JSON.stringify({ model: 'm'.repeat(300) })],
    ['with a model that is long as it is written', JSON.stringify({ model: '\u0001'.repeat(50) })],
  ])('%s is an invalid request, and costs nothing', async (_, body) => {
    const before = await chargedRequests()
    expectError(await post(body), 400, 'invalid_request')
    expect(await chargedRequests()).toBe(before)
  })

  it('of another content type is an invalid request', async () => {
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded']) {
      const headers = { 'content-type': type }
      expectError(await send('/chat/completions', { method: 'POST', headers, body: BODY }), 400, 'invalid_request')
    }
    expectError(await send('/chat/completions', { method: 'POST', body: BODY }), 400, 'invalid_request')
    expectError(await send('/chat/completions', { method: 'POST' }), 400, 'invalid_request')
  })

  it('with a malformed content type is an invalid request', async () => {
    const headers = { 'content-type': ';;;' }
    expectError(await send('/chat/completions', { method: 'POST', headers, body: BODY }), 400, 'invalid_request')
  })

  it('of 20 MB is accepted', async () => {
    const content = 'x'.repeat(20 * 1024 * 1024)
    const clientResponse = await post(JSON.stringify({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content }] }))
    expect(clientResponse.status).toBe(200)
  })

  it('that is too large is refused, with or without a content length', async () => {
    const body = Buffer.alloc(MAX_BODY_BYTES + 1, ' ')
    const type = { 'content-type': 'application/json' }
    expectError(await send('/chat/completions', { method: 'POST', headers: type, body }), 413, 'payload_too_large')
    const chunked = { ...type, 'transfer-encoding': 'chunked' }
    expectError(await send('/chat/completions', { method: 'POST', headers: chunked, body }), 413, 'payload_too_large')
  })

  it('of an upload that is too large is refused, with or without a content length', async () => {
    const body = Buffer.alloc(MAX_UPLOAD_BYTES + 1, ' ')
    const type = { 'content-type': 'application/octet-stream' }
    expectError(await send('/files', { method: 'POST', headers: type, body }), 413, 'payload_too_large')
    const chunked = { ...type, 'transfer-encoding': 'chunked' }
    expectError(await send('/files', { method: 'POST', headers: chunked, body }), 413, 'payload_too_large')
  })

  it('that is deeply nested, or not UTF-8, is forwarded', async () => {
    const depth = MAX_DEPTH - 1
    const deep = `${BODY.slice(0, -1)},"metadata":${'['.repeat(depth)}${']'.repeat(depth)}}`
    expect((await post(deep)).headers['x-sluice-source']).toBe('upstream')
    const invalid = Buffer.concat([
      Buffer.from(BODY.slice(0, -5)),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(BODY.slice(-5)),
    ])
    const headers = { 'content-type': 'application/json' }
    const clientResponse = await send('/chat/completions', { method: 'POST', headers, body: invalid })
    expect(clientResponse.headers['x-sluice-source']).toBe('upstream')
  })

  it.each([
    ['deep', 400, 'invalid_request', '['.repeat(MAX_DEPTH + 1)],
    ['of many objects', 413, 'payload_too_large', `[${'{},'.repeat(MAX_MEMBERS)}`],
    ['of many members', 413, 'payload_too_large', Array.from({ length: MAX_MEMBERS }, (_, at) => `"${at}":0`).join()],
    ['of many items', 413, 'payload_too_large', `[${'0,'.repeat(MAX_ITEMS + 2)}`],
  ])('%s is refused before it is complete', async (_, status, code, content) => {
    const headers = { 'content-type': 'application/json', 'content-length': String(MAX_BODY_BYTES) }
    expectError(await send('/chat/completions', { method: 'POST', headers, body: `{"a":${content}` }), status, code)
  })

  it('of any type is forwarded if the operation accepts any', async () => {
    const headers = { 'content-type': 'application/json' }
    const clientResponse = await send('/files', { method: 'POST', headers, body: '{' })
    expect(clientResponse.headers['x-sluice-source']).toBe('upstream')
  })
})

describe('a path', () => {
  it.each([
    ['/v1/../../secret'],
    ['/v1/%2e%2e/secret'],
    ['/v1/..%2fsecret'],
    ['/v1/a%2f..%2fsecret'],
    ['/v1/.'],
    ['/v1\\..\\secret'],
    ['/v2/models'],
    ['/'],
    [''],
  ])('that the provider does not have is refused: %s', async (path) => {
    const text = await sendText(gateway.url, head('GET', `/connections/prod${path}`))
    expect(text).toMatch(/^HTTP\/1\.1 404 /)
    expect(text).toContain('"code":"unsupported_operation"')
  })

  it.each([
    ['/v2/chat/completions', 'the path \\"/v2/chat/completions\\"'],
    [`/v2/${'x'.repeat(200)}`, `the path \\"/v2/${'x'.repeat(96)}…\\"`],
    ['/v1/../x', 'this path'],
  ])('that the provider does not have is quoted in the error, which shows a forgotten /v1: %s', async (path, named) => {
    const text = await sendText(gateway.url, head('GET', `/connections/prod${path}`))
    expect(Buffer.from(text, 'latin1').toString()).toContain(`openai has no operation GET at ${named}.`)
  })

  it('that cannot be decoded is an invalid request', async () => {
    const text = await sendText(gateway.url, head('GET', '/connections/%zz/v1/models'))
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"invalid_request"')
  })

  it('with line breaks in the name of a connection adds no header', async () => {
    const text = await sendText(gateway.url, head('GET', '/connections/a%0d%0ax-injected:%201/v1/models'))
    expect(text).toMatch(/^HTTP\/1\.1 404 /)
    expect(text).not.toMatch(/^x-injected/im)
  })

  it('with an unknown method is refused', async () => {
    expectError(await send('/models', { method: 'PROPFIND' }), 404, 'unsupported_operation')
  })
})

describe('malformed HTTP', () => {
  it('gets an error, and the connection is closed', async () => {
    const text = await sendText(gateway.url, 'NONSENSE\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"invalid_request"')
  })

  it('includes headers that are too long', async () => {
    const text = await sendText(gateway.url, head('GET', '/healthz', { 'x-long': 'x'.repeat(20_000) }))
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('includes a body that is shorter than its content length', async () => {
    const before = await chargedRequests()
    const headers = { 'content-type': 'application/json', 'content-length': String(BODY.length + 10) }
    const text = await sendText(
      gateway.url,
      head('POST', '/connections/prod/v1/chat/completions', headers) + BODY,
      (socket) => socket.end(),
    )
    expect(text).not.toMatch(/^HTTP\/1\.1 200/)
    expect(await chargedRequests()).toBe(before)
  })

  it('includes a body that is longer than its content length', async () => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(BODY.length - 10),
      connection: 'close',
    }
    const text = await sendText(gateway.url, head('POST', '/connections/prod/v1/chat/completions', headers) + BODY)
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('includes a request without a host', async () => {
    const text = await sendText(
      gateway.url,
      `GET /connections/prod/v1/models HTTP/1.1\r\nconnection: close\r\nauthorization: Bearer ${apiKey}\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(text).toContain('"code":"invalid_request"')
    expect(text).toContain('x-sluice-source: gateway')
  })

  it('does not include an HTTP/1.0 request without a host', async () => {
    const text = await sendText(
      gateway.url,
      `GET /connections/prod/v1/models HTTP/1.0\r\nexpect: 100-continue\r\nauthorization: Bearer ${apiKey}\r\n\r\n`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('includes a request that never ends', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': '100' }
    const text = await sendText(gateway.url, `${head('POST', '/connections/prod/v1/chat/completions', headers)}{`)
    expect(text).toMatch(/^HTTP\/1\.1 408 /)
  })
})

it('discloses nothing to a client without a key', async () => {
  for (const path of ['/connections/prod/v1/models', '/connections/none/v1/models', '/connections/prod/nowhere']) {
    expectError(await sendRequest(`${gateway.url}${path}`), 401, 'invalid_api_key')
  }
})

it('reports that it is alive and ready', async () => {
  expect(JSON.parse((await sendRequest(`${gateway.url}/healthz`)).body.toString())).toEqual({ status: 'ok' })
  expect(JSON.parse((await sendRequest(`${gateway.url}/readyz`)).body.toString())).toEqual({ status: 'ready' })
})

async function chargedRequests(): Promise<number | undefined> {
  const { windows } = await request(gateway.bus, capacityStatus, [connectionId], {})
  return windows.find(({ metric }) => metric === 'requests')?.used
}

function head(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
  const fields = { host: 'gateway', connection: 'close', authorization: `Bearer ${apiKey}`, ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}
