import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refuseRequest } from '../src/http/framework-errors.ts'
import { createHttpServer } from '../src/http/http-server.ts'
import { Http2Sessions } from '../src/http/http2-sessions.ts'
import { openStream, sendHttp2Request } from './support/send-http2-request.ts'
import { sendRequest } from './support/send-request.ts'

/** Everything that a route does with request and response has the same effect over HTTP/2 as over Node's HTTP/1.1. */
type Route = (request: IncomingMessage, response: ServerResponse) => void
let server: Server
let http2: Http2Sessions
let url: string
let session: ClientHttp2Session
let route: Route

beforeEach(async () => {
  const options = {
    handle: (...both: Parameters<Route>) => route(...both),
    idleTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    streamTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    socketTimeoutMs: 60_000,
  }
  http2 = new Http2Sessions({ refuse: refuseRequest, ...options })
  server = createHttpServer({ http2, ...options })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  session = connect(url)
})
afterEach(async () => {
  session.destroy()
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

const ROUTES: Record<string, Route> = {
  'fields in turn, repeated and several': (_, response) => {
    const fields = ['Content-Type', 'a', 'x-note', 'b', 'X-Note', 'c', 'x-all', ['d', 'e'], 'etag', '1', 'etag', '2']
    response.writeHead(201, 'Words', fields as string[])
    response.end('body')
  },
  'fields as an object': (_, response) => void response.writeHead(200, { 'X-Number': 1, 'x-all': ['a', 'b'] }).end('x'),
  'fields of the connection': (_, response) => {
    response.setHeader('Connection', 'close')
    response.writeHead(200, ['connection', 'close', 'keep-alive', 'timeout=1', 'proxy-connection', 'x', 'te', 'x'])
    response.end('x')
  },
  'fields set one by one, then replaced by its head': (_, response) => {
    response.setHeader('x-kept', '1').setHeader('X-Replaced', 'no').setHeader('x-removed', '1')
    response.removeHeader('X-Removed')
    response.writeHead(200, { 'x-replaced': 'yes' }).end()
  },
  'a status and nothing else': (_, response) => {
    response.statusCode = 404
    response.end()
  },
  'a body in pieces': (_, response) => {
    response.write('one,')
    setImmediate(() => response.end('two'))
  },
  'a body where there can be none': (_, response) => void response.writeHead(204).end('x'),
  'a body that is not modified': (_, response) => void response.writeHead(304, { etag: 'x' }).end('x'),
  'text in Latin 1': (_, response) => void response.writeHead(200, { 'x-name': '\xe4\xff' }).end(),
  'its own request': (request, response) => {
    const { method, url: path, complete } = request
    request.resume().on('end', () => response.end(JSON.stringify([method, path, complete, request.complete])))
  },
  'a body after its end': (_, response) => {
    response.end('whole')
    response.on('error', () => undefined)
    response.write('more')
  },
}

describe.each(['GET', 'HEAD', 'POST'])('a %s request gets the same response', (method) => {
  it.each(Object.keys(ROUTES))('with %s', async (what) => {
    route = ROUTES[what] as Route
    const request = { method, body: method === 'POST' ? 'text' : '', headers: { connection: 'close' } }
    const one = await sendRequest(`${url}/path?query`, request)
    const two = await sendHttp2Request(session, '/path?query', { ...request, headers: {} })
    for (const name of ['date', 'connection', 'keep-alive', 'proxy-connection', 'te', 'transfer-encoding']) {
      delete one.headers[name]
      delete two.headers[name]
    }
    // Node's client joins or drops repeated fields in its own way for each protocol.
    expect(two).toMatchObject({ status: one.status, body: one.body, resetCode: 0 })
    const { ':status': _, 'content-length': length, ...headers } = two.headers
    const { 'content-length': lengthBefore, ...before } = one.headers
    expect(Object.entries(headers).toSorted()).toEqual(Object.entries(before).toSorted())
    if (length !== undefined) expect(length).toBe(lengthBefore)
  })
})

const BROKEN: Record<string, Route> = {
  'before its head': (_, response) => void response.destroy(),
  'after its head': (_, response) => {
    response.writeHead(200).flushHeaders()
    setImmediate(() => response.destroy())
  },
  'between pieces': (_, response) => void response.write('part', () => response.destroy()),
  'with pieces still to be sent': (_, response) => {
    response.write(Buffer.alloc(10_000_000))
    response.destroy()
  },
  'with an error': (_, response) => {
    response.on('error', () => undefined)
    response.write('part', () => response.destroy(new Error('broken')))
  },
}

describe('an interrupted response', () => {
  it.each(Object.keys(BROKEN))('passes for whole over neither protocol: %s', async (when) => {
    route = BROKEN[when] as Route
    await expect(sendRequest(url)).rejects.toThrow(/socket hang up|aborted|ECONNRESET/)
    expect(await sendHttp2Request(session, '/')).toMatchObject({ resetCode: constants.NGHTTP2_INTERNAL_ERROR })
    route = (_, response) => void response.end('ok')
    expect(await sendHttp2Request(session, '/')).toMatchObject({ status: 200, resetCode: 0 })
  })
})

const UNSENDABLE: readonly [number, string[]][] = [
  [200, ['x-lines', 'a\r\nb']],
  [200, ['x-nul', 'a\0b']],
  [200, [':status', '100']],
  [200, ['two words', 'x']],
  [200, ['', 'x']],
  [99, []],
]

it.each(UNSENDABLE)('throws when headers that cannot be sent are written: %s %j', async (status, fields) => {
  route = (_, response) => {
    expect(() => response.writeHead(status, 'OK', fields)).toThrow()
    expect(response.headersSent).toBe(false)
    response.writeHead(500, 'No', ['x-why', 'unsendable']).end()
  }
  expect(await sendRequest(url)).toMatchObject({ status: 500 })
  expect(await sendHttp2Request(session, '/')).toMatchObject({ status: 500, resetCode: 0 })
})

it('leaves an interrupted request without an end, and incomplete', async () => {
  const closed: unknown[] = []
  let ends = 0
  const both = Promise.withResolvers<void>()
  route = (request, response) => {
    request.on('end', () => ends++)
    request.once('data', () => request.pause())
    request.on('close', () => {
      request.resume()
      closed.push([request.complete, request.destroyed])
      if (closed.length === 2) both.resolve()
    })
    response.writeHead(200).flushHeaders()
  }
  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
    const stream = openStream(session, '/', { method: 'POST' })
    // More than is taken while the client does not read: Node's client ends what it has sent before it resets the stream.
    stream.write(Buffer.alloc(4_000_000))
    await once(stream, 'response')
    stream.close(code)
  }
  await both.promise
  expect(closed).toEqual([
    [false, true],
    [false, true],
  ])
  expect(ends).toBe(0)
})
