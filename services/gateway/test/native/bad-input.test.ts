import type { ProviderId } from '@sluice/contracts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from '../support/fresh-connection.ts'
import { NATIVE_APIS, type NativeApi } from '../support/native-calls.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { type RawResponse, sendRequest, sendText } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startDataPath } from '../support/start-data-path.ts'

/** An error of the gateway's own, as the provider would word it. */
const FORMATS: Readonly<Record<string, (error: { code: string; type: string; status: number }) => object>> = {
  openai: ({ code }) => ({ error: { message: expect.any(String), type: 'invalid_request_error', param: null, code } }),
  groq: ({ code }) => ({ error: { message: expect.any(String), type: 'invalid_request_error', param: null, code } }),
  anthropic: ({ type }) => ({
    type: 'error',
    error: { type, message: expect.any(String) },
    request_id: expect.any(String),
  }),
  google: ({ status }) => ({
    error: { code: status, message: expect.any(String), status: GOOGLE_STATUS[status], details: [] },
  }),
}
const GOOGLE_STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
}

describe.each(Object.entries(NATIVE_APIS) as [ProviderId, NativeApi][])('%s', (provider, { headers, calls }) => {
  const [call = { method: 'POST', path: '' } as const] = Object.values(calls)
  const valid = JSON.stringify(call.body)
  let connection: FreshConnection
  const path = startBeforeAll(() => startDataPath({ simulator: { provider } }))
  const upstream = startBeforeAll(startRawUpstream)

  beforeEach(async () => {
    connection = await connect({})
  })
  afterEach(async () => {
    // Whatever came in: the process is alive and serves, and nothing stays reserved.
    expect((await send(valid)).status).toBe(200)
    await connection.isSettled()
  })

  function connect(settings: Partial<Parameters<typeof freshConnection>[2]>) {
    return freshConnection(path.gateway, path.apiKey, { provider, baseUrl: path.simulator.url, ...settings })
  }

  function send(
    body: string | Buffer,
    { to = connection, at = call.path, method = 'POST' }: { to?: FreshConnection; at?: string; method?: string } = {},
  ) {
    const fields = { ...headers(path.apiKey), 'content-type': 'application/json' }
    return sendRequest(to.baseURL + at, { method, headers: fields, body })
  }

  function expectError(clientResponse: RawResponse, status: number, code: string, type: string): void {
    expect(clientResponse.status).toBe(status)
    expect(clientResponse.headers['x-sluice-source']).toBe('gateway')
    expect(JSON.parse(clientResponse.body.toString())).toEqual(FORMATS[provider]?.({ code, type, status }))
  }

  it('refuses a path that the provider does not have', async () => {
    expectError(await send(valid, { at: '/nowhere' }), 404, 'unsupported_operation', 'not_found_error')
    await connection.isCharged({ requests: 0, tokens: 0 })
  })

  it('leaves it to the provider to refuse another method', async () => {
    const clientResponse = await send(valid, { method: 'PUT' })
    expect(clientResponse.status).toBe(404)
    expect(clientResponse.headers['x-sluice-source']).toBe('upstream')
    await connection.isCharged({ requests: 1, tokens: 0 })
  })

  it('refuses a body that is not a JSON object', async () => {
    for (const body of ['', '{"model":', '[]', '"text"', 'null', Buffer.from([0xff, 0xfe])]) {
      expectError(await send(body), 400, 'invalid_request', 'invalid_request_error')
    }
    await connection.isCharged({ requests: 0, tokens: 0 })
  })

  it('refuses a model that the connection does not allow', async () => {
    const limited = await connect({ allowedModels: ['something-else*'] })
    expectError(await send(valid, { to: limited }), 403, 'model_not_allowed', 'permission_error')
    await limited.isCharged({ requests: 0, tokens: 0 })
  })

  it('forwards invalid UTF-8 within a string unchanged', async () => {
    const received: Buffer[] = []
    upstream.respond = (request, response) => {
      request.on('data', (piece: Buffer) => received.push(piece))
      request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    }
    const to = await connect({ baseUrl: upstream.url })
    const [before = '', after = ''] = valid.split('sluice')
    const body = Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0xc3]), Buffer.from(after)])
    expect((await send(body, { to })).body.toString()).toBe('{}')
    expect(Buffer.concat(received).equals(body)).toBe(true)
  })

  it('keeps line breaks in the name of a connection out of headers and the log', async () => {
    const { pathname } = new URL(`${path.gateway.url}/connections/a%0d%0ax-injected:%201${call.path}`)
    const fields = Object.entries({ ...headers(path.apiKey), host: 'g', connection: 'close' })
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
    const text = await sendText(path.gateway.url, `POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 404 /)
    expect(text).not.toMatch(/^x-injected/im)
    expect(path.gateway.logs()).not.toMatch(/^x-injected/im)
  })

  // Google's model is in the path, and no path without one is served.
  if (provider === 'google') return
  it('leaves it to the provider to refuse a body without a model, if all models are allowed', async () => {
    const { model: _, ...rest } = JSON.parse(valid)
    const clientResponse = await send(JSON.stringify(rest))
    expect(clientResponse.status).toBe(400)
    expect(clientResponse.headers['x-sluice-source']).toBe('upstream')
    const limited = await connect({ allowedModels: ['*-something'] })
    expectError(await send(JSON.stringify(rest), { to: limited }), 403, 'model_not_allowed', 'permission_error')
  })
})
