import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { closed, openStream, sendHttp2Request } from './support/send-http2-request.ts'
import { sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** Header fields and methods that mean something to a server, over HTTP/2 and beside HTTP/1.1. */
let connection: FreshConnection
let session: ClientHttp2Session
let path: string

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  connection = await freshConnection(data.gateway, data.apiKey, { baseUrl: upstream.url })
  path = `/connections/${connection.settings.name}/v1`
})
beforeEach(() => {
  upstream.respond = (request, response) => void request.resume().on('end', () => response.end('ok'))
  session = connect(data.gateway.url)
})
afterEach(() => session.destroy())

const SPECIAL_FIELDS: readonly [string, string][] = [
  ['trailer', 'x'],
  ['trailer', ''],
  ['expect', '100-continue'],
  ['expect', 'anything'],
  ['te', 'trailers'],
  ['date', 'never'],
  ['host', 'elsewhere'],
  ['content-encoding', 'gzip'],
  ['content-type', ';;;'],
  ['content-type', 'multipart/form-data; boundary='],
  ['accept-version', '1.x'],
  ['__proto__', 'x'],
  ['constructor', 'x'],
  ['cookie', 'a=b'],
  ['x-sluice-max-wait', '-1'],
  ['authorization', ''],
  ['early-data', '1'],
  ['range', 'bytes=9-1'],
  ['x-latin', '\xe4\xff'],
]

describe.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])('a %s request over HTTP/2', (method) => {
  it.each(SPECIAL_FIELDS)(
    'with %s: %j gets its response, with a key and without, with a body and without',
    async (name, value) => {
      const authorization = `Bearer ${data.apiKey}`
      for (const key of [{}, { authorization }]) {
        for (const body of ['', '{"model":"m"}']) {
          const headers = { 'content-type': 'application/json', ...key, [name]: value }
          const stream = openStream(session, `${path}/chat/completions`, { method, headers })
          let status: unknown
          stream.on('response', (head) => {
            status = head[':status']
          })
          stream.resume().end(body)
          await closed(stream)
          expect(status).toEqual(expect.any(Number))
          expect(status).not.toBe(500)
        }
      }
      expect(session.destroyed).toBe(false)
    },
  )
})

it('forwards the same headers to the provider as over HTTP/1.1', async () => {
  let received: string[] = []
  upstream.respond = (request, response) => {
    received = request.rawHeaders
    request.resume().on('end', () => response.end('ok'))
  }
  const headers = {
    authorization: `Bearer ${data.apiKey}`,
    'content-type': 'text/plain',
    accept: 'a, b',
    'user-agent': 'sdk/1',
    te: 'trailers',
    cookie: 'a=b',
    'x-forwarded-for': '192.0.2.1',
    'x-stainless-os': 'Linux',
    ['__proto__']: 'x',
  }
  for (const [body, length] of [
    ['text', {}],
    ['text', { 'content-length': '4' }],
    ['', {}],
  ] as const) {
    const given = { ...headers, ...length }
    await sendHttp2Request(session, `${path}/files`, {
      method: 'POST',
      headers: { ...given, trailer: 'x' },
      body,
    })
    const overHttp2 = received
    const transfer = body !== '' && !('content-length' in length) ? { 'transfer-encoding': 'chunked' } : {}
    await sendRequest(`${data.gateway.url}${path}/files`, { method: 'POST', headers: { ...given, ...transfer }, body })
    expect(overHttp2).toEqual(received)
    expect(overHttp2.filter((name) => name.startsWith(':'))).toEqual([])
  }
})

describe.each(['TRACE', 'OPTIONS', 'PROPFIND', 'CONNECT'])('the method %s', (method) => {
  it('is refused in the provider’s format over both protocols, and not forwarded', async () => {
    let sent = 0
    upstream.respond = (_request, response) => {
      sent++
      response.end()
    }
    const anthropic = await freshConnection(data.gateway, data.apiKey, { provider: 'anthropic', baseUrl: upstream.url })
    const url = `/connections/${anthropic.settings.name}/v1/messages`
    const headers = { 'x-api-key': data.apiKey }
    if (method !== 'CONNECT') {
      const before = await sendRequest(data.gateway.url + url, { method, headers })
      expect(before.status).toBe(404)
      expect(JSON.parse(before.body.toString())).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
    }
    const target: OutgoingHttpHeaders =
      method === 'CONNECT' ? { ':authority': 'x:1' } : { ':path': url, ':authority': 'gateway' }
    const stream = session.request({ ':method': method, ...target, ...headers })
    stream.on('error', () => undefined)
    let status: unknown
    stream.on('response', (head) => {
      status = head[':status']
    })
    stream.setEncoding('utf8')
    const text = (await stream.toArray().catch(() => [])).join('')
    if (method === 'CONNECT') expect(await closed(stream)).not.toBe(0)
    else {
      expect(status).toBe(404)
      expect(JSON.parse(text)).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
    }
    expect(sent).toBe(0)
  })
})

it('refuses an unknown method', async () => {
  for (const method of ['FOO', '__proto__', 'get', 'constructor', '1']) {
    expect(await sendHttp2Request(session, `${path}/models`, { method })).toMatchObject({ status: 404 })
  }
})
