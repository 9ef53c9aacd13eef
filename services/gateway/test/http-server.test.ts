import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect, constants } from 'node:http2'
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '@sluice/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { refuseRequest } from '../src/http/framework-errors.ts'
import { createHttpServer } from '../src/http/http-server.ts'
import { Http2Sessions } from '../src/http/http2-sessions.ts'
import { closed, openStream, sendHttp2Request } from './support/send-http2-request.ts'
import { sendRequest, sendText } from './support/send-request.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const SETTINGS = '\0\0\0\x04\0\0\0\0\0'
const PING = '\0\0\x08\x06\0\0\0\0\0pingping'
/** `GET /` with `:authority: x`, on the first stream. */
const GET = '\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x'
let server: Server
let http2: Http2Sessions
let respond: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => void response.end()

const TIMEOUTS = {
  idleTimeoutMs: 60_000,
  requestTimeoutMs: 60_000,
  streamTimeoutMs: 60_000,
  headersTimeoutMs: 60_000,
  socketTimeoutMs: 60_000,
}

async function listen(timeouts: Partial<typeof TIMEOUTS>): Promise<string> {
  const options = { handle: (...both: Parameters<typeof respond>) => respond(...both), ...TIMEOUTS, ...timeouts }
  http2 = new Http2Sessions({ refuse: refuseRequest, ...options })
  server = createHttpServer({ http2, ...options })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A connection that begins with `text` and then only takes what comes. */
async function open(url: string, text: string): Promise<Socket> {
  const socket = connectSocket({ host: '127.0.0.1', port: Number(new URL(url).port), allowHalfOpen: true })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text, 'latin1')
  return socket.resume()
}

const connections = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

afterEach(async () => {
  http2.close()
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

describe('a connection', () => {
  it('that sends nothing, or only the beginning of a request, is closed', async () => {
    const url = await listen({ headersTimeoutMs: 100 })
    for (const text of ['', 'P', PREFACE.slice(0, -1)]) {
      const socket = await open(url, text)
      await eventually(async () => expect(await connections()).toBe(1))
      await eventually(async () => expect(await connections()).toBe(0))
      socket.destroy()
    }
  })

  it.each([
    ['in one piece', 1_000],
    ['byte for byte', 1],
  ])('speaks HTTP/1.1 or HTTP/2 by its first bytes, %s', async (_, size) => {
    respond = (request, response) => void request.pipe(response)
    const url = await listen({})
    const text = 'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello'
    const send = async (bytes: string, socket: Socket) => {
      socket.setNoDelay()
      for (let at = 0; at < bytes.length; at += size) {
        await new Promise((sent) => socket.write(bytes.slice(at, at + size), 'latin1', sent))
      }
    }
    expect(await sendText(url, '', (socket) => void send(text, socket))).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello/)
    const acknowledged = '\0\0\0\x04\x01\0\0\0\0'
    let received = ''
    await sendText(url, '', (socket) => {
      socket.on('data', (data) => {
        received += data
        if (received.includes(acknowledged)) socket.destroy()
      })
      void send(PREFACE + SETTINGS, socket)
    })
    expect(received).toContain(acknowledged)
  })

  it.each(['PRI', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\rX', 'PUSH', 'P\r\n\r\n', 'PRI * HTTP/1.1\r\nhost: x\r\n\r\n'])(
    'that begins nearly as HTTP/2 does is refused in words: %j',
    async (text) => {
      const url = await listen({})
      expect(await sendText(url, text, (socket) => socket.end())).toMatch(/^HTTP\/1\.1 400 /)
      expect((await sendRequest(url)).status).toBe(200)
    },
  )

  it('serves one HTTP/1.1 request after the other', async () => {
    respond = (request, response) => void response.end(request.url)
    const url = await listen({})
    const two = 'GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'
    expect(await sendText(url, two)).toMatch(/\/1[\s\S]*\/2$/)
  })

  it('that sends garbage during a response is closed, and the response is not altered', async () => {
    respond = (_request, response) => void response.write('begun')
    const url = await listen({})
    const text = await sendText(url, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', (socket) => {
      socket.once('data', () => socket.write('nonsense\r\n\r\n'))
    })
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*begun\r\n$/)
  })

  it('that was refused is closed, however much its client sends without reading or ending', async () => {
    const url = await listen({})
    for (const text of [
      'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(100),
      'nonsense\r\n\r\n',
      `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${'x'.repeat(100_000)}`,
      'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
    ]) {
      respond = (_request, response) => void setTimeout(() => response.end(), 50)
      const socket = (await open(url, `${text}nonsense\r\n\r\n${'x'.repeat(500_000)}`)).pause()
      await eventually(async () => expect(await connections()).toBe(1))
      await eventually(async () => expect(await connections()).toBe(0), { timeoutMs: 10_000 })
      socket.destroy()
    }
  })

  it('does not become a tunnel', async () => {
    const url = await listen({})
    const text = await sendText(url, 'CONNECT elsewhere:443 HTTP/1.1\r\nhost: elsewhere\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 404 [\s\S]*unsupported_operation/)
  })
})

describe('a session', () => {
  it('without requests is closed', async () => {
    const client = connect(await listen({ idleTimeoutMs: 50 }))
    await once(client, 'close')
    expect(client.destroyed).toBe(true)
  })

  it.each([
    ['gets no response', () => undefined],
    ['sends pings for ever', (socket: Socket) => void setInterval(() => socket.write(PING, 'latin1'), 10).unref()],
    [
      'says goodbye and stays',
      (socket: Socket) => void socket.write('\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0', 'latin1'),
    ],
    ['never ends a head', (socket: Socket) => void socket.write('\0\0\x01\x01\0\0\0\0\x01\x82', 'latin1')],
  ])('without requests is closed even if the other side %s', async (_, behave) => {
    // It never closes its half.
    const socket = await open(await listen({ idleTimeoutMs: 50 }), PREFACE + SETTINGS)
    await eventually(async () => expect(await connections()).toBe(1))
    behave(socket)
    await eventually(async () => expect(await connections()).toBe(0))
    socket.destroy()
  })

  it('that is being closed ends its requests, and says which it has accepted', async () => {
    const held: ServerResponse[] = []
    respond = (_request, response) => void held.push(response)
    const socket = await open(await listen({}), PREFACE + SETTINGS + GET)
    await eventually(() => expect(held).toHaveLength(1))
    let received = ''
    socket.setEncoding('latin1').on('data', (data) => {
      received += data
    })
    http2.close()
    // Stream 1 was the last, and there was no error.
    await eventually(() => expect(received).toContain('\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0'))
    // The same again, on the third stream: it is not taken.
    socket.write(GET.replace('\x01\x82', '\x03\x82'), 'latin1')
    held[0]?.end('whole')
    await eventually(() => expect(received).toContain('whole'))
    await eventually(async () => expect(await connections()).toBe(0))
    expect(held).toHaveLength(1)
    socket.destroy()
  })

  it('stays open while its request takes longer than the idle limit', async () => {
    respond = (_request, response) => void setTimeout(() => response.end('late'), 200)
    const client = connect(await listen({ idleTimeoutMs: 50 }))
    expect(await sendHttp2Request(client, '/')).toMatchObject({ status: 200, resetCode: 0 })
    client.destroy()
  })

  it('ends with its requests when the other side ends it', async () => {
    const disconnected = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    respond = (_request, response) => {
      response.on('close', () => disconnected.resolve())
      begun.resolve()
    }
    const socket = await open(await listen({}), PREFACE + SETTINGS + GET)
    await begun.promise
    socket.end()
    await disconnected.promise
  })
})

describe('a request over HTTP/2', () => {
  it('without progress is aborted', async () => {
    respond = (_request, response) => void response.write('begun')
    const client = connect(await listen({ streamTimeoutMs: 50 }))
    const stream = openStream(client, '/')
    stream.end()
    stream.resume()
    expect(await closed(stream)).not.toBe(0)
    client.destroy()
  })

  it.each([
    ['NO_ERROR', 0],
    ['CANCEL', 8],
  ])('that is reset with %s before its end is incomplete', async (_, code) => {
    const seen: unknown[] = []
    const begun = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    respond = (request, response) => {
      request.on('end', () => seen.push('end'))
      request.on('close', () => seen.push(request.complete))
      response.on('close', () => closed.resolve())
      request.on('data', () => begun.resolve())
    }
    // POST / with `:authority: x`, and four bytes of its body.
    const headers = '\0\0\x06\x01\x04\0\0\0\x01\x83\x86\x84\x41\x01x'
    const part = '\0\0\x04\0\0\0\0\0\x01part'
    const reset = `\0\0\x04\x03\0\0\0\0\x01\0\0\0${String.fromCharCode(code)}`
    const socket = await open(await listen({}), PREFACE + SETTINGS + headers + part)
    await begun.promise
    socket.write(reset, 'latin1')
    await closed.promise
    await eventually(() => expect(seen).toEqual([false]))
    socket.destroy()
  })

  it.each(['its response', 'its sender', 'its session'])(
    'that is broken off by %s leaves nothing behind',
    async (whom) => {
      setFlagsFromString('--expose-gc')
      const collectGarbage = runInNewContext('gc') as () => void
      const held: WeakRef<ServerResponse>[] = []
      respond = (_request, response) => {
        held.push(new WeakRef(response))
        response.write('part', () => whom === 'its response' && response.destroy())
      }
      const client = connect(await listen({}))
      for (let requests = 1; requests <= 5; requests++) {
        const stream = openStream(client, '/', { method: 'POST' })
        stream.resume()
        await once(stream, 'response')
        if (whom === 'its sender') stream.close(constants.NGHTTP2_CANCEL)
        if (whom !== 'its session') await closed(stream)
      }
      client.destroy()
      await eventually(() => {
        collectGarbage()
        // The responses themselves must not be in an assertion's error, which would hold them.
        expect(held.map((response) => response.deref() === undefined)).toEqual(Array(5).fill(true))
      })
    },
  )

  it('that does not arrive in time gets an error, or is aborted if its response has begun', async () => {
    respond = (request) => void request.resume()
    const client = connect(await listen({ requestTimeoutMs: 100 }))
    const early = openStream(client, '/', { method: 'POST' })
    early.write('x')
    const [headers] = await once(early, 'response')
    expect(headers[':status']).toBe(408)
    expect((await early.toArray()).join('')).toContain('did not arrive in time')
    respond = (request, response) => {
      request.resume()
      response.write('begun')
    }
    const late = openStream(client, '/', { method: 'POST' })
    late.resume().write('x')
    expect(await closed(late)).not.toBe(0)
    client.destroy()
  })
})
