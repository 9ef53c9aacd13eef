import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream, writeForEver } from './support/raw-upstream.ts'
import { closed, openStream, responseHeaders, sendHttp2Request } from './support/send-http2-request.ts'
import { sendRequest, sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import { untilStable } from './support/until-stable.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const EMPTY_SETTINGS = '\0\0\0\x04\0\0\0\0\0'
const STREAM = JSON.stringify({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }], stream: true })
let connection: FreshConnection
let path: string
let session: ClientHttp2Session

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  connection = await freshConnection(data.gateway, data.apiKey, { baseUrl: upstream.url })
  path = `/connections/${connection.settings.name}/v1`
})
beforeEach(() => {
  // Node's client would not send what is too long to be taken, and resets streams when it holds more than 10 MB.
  session = connect(data.gateway.url, { maxSendHeaderBlockLength: 1024 * 1024, maxSessionMemory: 1_000 })
})
afterEach(() => session.destroy())

const authorized = (type = 'application/json') => ({ authorization: `Bearer ${data.apiKey}`, 'content-type': type })
const chat = (headers: Readonly<Record<string, string>> = {}) =>
  sendHttp2Request(session, `${path}/chat/completions`, {
    method: 'POST',
    headers: { ...authorized(), ...headers },
    body: STREAM,
  })
const openChat = () => {
  const stream = openStream(session, `${path}/chat/completions`, { method: 'POST', headers: authorized() })
  stream.end(STREAM)
  return stream
}
const takesRequests = async () => expect((await sendRequest(`${data.gateway.url}/healthz`)).status).toBe(200)

describe('a request over HTTP/2', () => {
  it('gets the same response as over HTTP/1.1', async () => {
    upstream.respond = (_request, response) => {
      const fields = ['content-type', 'audio/mpeg', 'x-note', 'a', 'x-note', 'b', 'etag', 'c', 'etag', 'd']
      response.writeHead(200, 'Fine', fields)
      response.end('sound')
    }
    const url = `${path}/audio/speech`
    const request = { method: 'POST', headers: authorized(), body: '{"model":"tts-1","input":"Hi"}' }
    const clientResponse = await sendHttp2Request(session, url, request)
    const before = await sendRequest(data.gateway.url + url, request)
    expect(clientResponse).toMatchObject({ status: 200, body: before.body, resetCode: 0 })
    const ofTheHop = ['connection', 'keep-alive', 'transfer-encoding']
    for (const name of ['date', 'ratelimit', 'x-request-id', ...ofTheHop]) delete before.headers[name]
    expect(clientResponse.headers).toMatchObject(before.headers)
    for (const name of ofTheHop) expect(clientResponse.headers).not.toHaveProperty(name)
  })

  it('may have no body, or a response without one', async () => {
    upstream.respond = (_request, response) => response.writeHead(404, { 'content-length': '1234' }).end()
    const head = await sendHttp2Request(session, `${path}/models/x`, { method: 'HEAD', headers: authorized() })
    expect(head).toMatchObject({ status: 404, headers: { 'content-length': '1234' }, resetCode: 0 })
    upstream.respond = (request, response) => response.end(JSON.stringify(request.headers))
    const list = session.request({ ':path': `${path}/models`, ...authorized() })
    list.setEncoding('utf8')
    const received = JSON.parse((await list.toArray()).join(''))
    expect(received).not.toHaveProperty('transfer-encoding')
  })

  it('runs with many others on one session', async () => {
    upstream.respond = (request, response) => void request.pipe(response)
    const bodies = Array.from({ length: 300 }, (_, index) => `${index}:${'x'.repeat(index * 100)}`)
    const headers = authorized('text/plain')
    const responses = await Promise.all(
      bodies.map((body) => sendHttp2Request(session, `${path}/files`, { method: 'POST', headers, body })),
    )
    expect(responses.map(({ body }) => body.toString())).toEqual(bodies)
  })

  it('uploads unchanged, as fast as the provider reads', async () => {
    const bytes = randomBytes(24_000_000)
    const received: Buffer[] = []
    const goOn = Promise.withResolvers<void>()
    upstream.respond = async (request, response) => {
      await goOn.promise
      request.on('data', (piece: Buffer) => received.push(piece))
      request.on('end', () => response.end('{"id":"file-1"}'))
    }
    const headers = authorized('application/octet-stream')
    const stream = openStream(session, `${path}/files`, { method: 'POST', headers })
    stream.end(bytes)
    expect(await untilStable(() => session.socket.bytesWritten)).toBeLessThan(16_000_000)
    goOn.resolve()
    expect((await responseHeaders(stream))[':status']).toBe(200)
    stream.resume()
    expect(await closed(stream)).toBe(0)
    expect(Buffer.concat(received).equals(bytes)).toBe(true)
  })

  it('may be refused before its body has arrived', async () => {
    const stream = openStream(session, `${path}/files`, { method: 'POST', headers: { authorization: 'Bearer slc_no' } })
    stream.write(Buffer.alloc(8_000_000))
    const headers = await responseHeaders(stream)
    expect(headers).toMatchObject({ ':status': 401, 'x-sluice-source': 'gateway' })
    expect((await stream.toArray()).join('')).toContain('invalid_api_key')
    expect(await closed(stream)).toBe(0)
  })

  it('gets 100 Continue for a body that it holds back', async () => {
    upstream.respond = (request, response) => void request.pipe(response)
    const headers = { ...authorized('text/plain'), expect: '100-continue' }
    const stream = openStream(session, `${path}/files`, { method: 'POST', headers })
    await once(stream, 'continue')
    stream.end('part')
    expect((await stream.toArray()).join('')).toBe('part')
  })
})

describe('a stream', () => {
  it('is slowed down to the pace of its reader', async () => {
    let writtenBytes = () => 0
    upstream.respond = (_request, response) => {
      writtenBytes = writeForEver(response.writeHead(200, { 'content-type': 'text/event-stream' }))
    }
    const stream = openChat()
    await responseHeaders(stream)
    const heldAtBytes = await untilStable(() => writtenBytes())
    expect(heldAtBytes).toBeLessThan(32 * 1024 * 1024)
    let readBytes = 0
    stream.on('data', (piece: Buffer) => {
      readBytes += piece.length
    })
    await eventually(() => expect(readBytes).toBeGreaterThan(heldAtBytes + 8 * 1024 * 1024))
    stream.close(constants.NGHTTP2_CANCEL)
    await connection.ended('aborted')
    await connection.isSettled()
  })

  it.each(['NGHTTP2_CANCEL', 'NGHTTP2_NO_ERROR'] as const)(
    'that its reader resets with %s ends upstream, and is settled',
    async (code) => {
      const disconnected = Promise.withResolvers<void>()
      upstream.respond = (_request, response) => {
        response.on('close', () => disconnected.resolve())
        response.write('data: {}\n\n')
      }
      const stream = openChat()
      await responseHeaders(stream)
      stream.close(constants[code])
      await disconnected.promise
      await connection.ended('aborted')
      await connection.isSettled()
      expect(session.closed).toBe(false)
    },
  )

  it('aborts the upstream call when its session breaks', async () => {
    const disconnected = Promise.withResolvers<void>()
    upstream.respond = (_request, response) => {
      response.on('close', () => disconnected.resolve())
      response.write('data: {}\n\n')
    }
    await responseHeaders(openChat())
    session.socket.destroy()
    await disconnected.promise
  })

  it('is reset if the provider breaks it off', async () => {
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {}\n\n', () => response.destroy())
    }
    expect(await chat()).toMatchObject({ status: 200, resetCode: constants.NGHTTP2_INTERNAL_ERROR })
    await connection.ended('upstream_error')
    upstream.respond = (_request, response) => response.end('ok')
    expect(await chat()).toMatchObject({ status: 200, resetCode: 0 })
  })

  it('aborts an upload that is reset halfway', async () => {
    // With NO_ERROR, Node's client would first send all.
    for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR]) {
      const end = Promise.withResolvers<boolean>()
      const begun = Promise.withResolvers<IncomingMessage>()
      upstream.respond = (request) => {
        // Nothing is read for now, so that the sender cannot have sent all when it gives up.
        request.once('data', () => begun.resolve(request.pause()))
        request.on('error', () => undefined)
        request.on('close', () => end.resolve(request.complete))
      }
      const stream = openStream(session, `${path}/files`, { method: 'POST', headers: authorized('text/plain') })
      stream.write(Buffer.alloc(24_000_000))
      const request = await begun.promise
      stream.close(code)
      await closed(stream)
      request.resume()
      expect(await end.promise).toBe(false)
    }
  })
})

describe('malformed input', () => {
  it('includes headers that are too long', async () => {
    expect(await chat({ 'x-long': 'x'.repeat(20_000) })).toMatchObject({ status: 431 })
    const huge = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, 'x'.repeat(1_000)]))
    expect(await chat(huge)).toMatchObject({ status: undefined, resetCode: constants.NGHTTP2_ENHANCE_YOUR_CALM })
    upstream.respond = (_request, response) => response.end('ok')
    expect(await chat()).toMatchObject({ status: 200 })
  })

  it('includes the CONNECT method', async () => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': 'elsewhere:443' })
    stream.on('error', () => undefined)
    expect(await closed(stream)).toBe(constants.NGHTTP2_CONNECT_ERROR)
  })

  it('includes missing pseudo-headers', async () => {
    const noPath = '\0\0\x01\x01\x05\0\0\0\x01\x82'
    const reset = '\0\0\x04\x03\0\0\0\0\x01\0\0\0\x01'
    await converse(PREFACE + EMPTY_SETTINGS + noPath, reset)
    await takesRequests()
  })

  it('includes garbage after the preface', async () => {
    const garbage = ['nonsense'.repeat(100), randomBytes(5_000).toString('latin1'), '\0', `\xff${EMPTY_SETTINGS}`]
    for (const bytes of garbage) await sendText(data.gateway.url, PREFACE + bytes, (socket) => socket.end())
    await takesRequests()
  })

  it('includes a preface in the middle of a connection', async () => {
    const text = await sendText(data.gateway.url, `GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n${PREFACE}`)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).not.toContain('\0')
  })
})

it('does not include a preface that arrives in pieces', async () => {
  const acknowledged = '\0\0\0\x04\x01\0\0\0\0'
  const socket = await converse('', acknowledged, async (opened) => {
    for (const piece of `${PREFACE}${EMPTY_SETTINGS}`) await new Promise((sent) => opened.write(piece, 'latin1', sent))
  })
  expect(socket).toContain(acknowledged)
})

/** Sends `text` as it is, and hangs up once `expected` is in what comes back; gives all that came. */
function converse(text: string, expected: string, begin?: (socket: Socket) => Promise<void>): Promise<string> {
  let received = ''
  return sendText(data.gateway.url, text, (socket) => {
    socket.setNoDelay()
    socket.on('data', (piece) => {
      received += piece
      if (received.includes(expected)) socket.destroy()
    })
    begin?.(socket).catch((error: Error) => socket.destroy(error))
  })
}
