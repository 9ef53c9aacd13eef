import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Readable } from 'node:stream'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { createUpstream, type RunningUpstream } from '../src/upstream/http-client.ts'
import type { UpstreamRequest } from '../src/upstream/upstream.ts'
import type { UpstreamFault } from '../src/upstream/upstream-fault.ts'

let server: Server
let received: string[]
let connections: number
let upstream: RunningUpstream
let request: UpstreamRequest
/** Holds back the look-up of the provider's address, so that connecting takes as long as the test wants. */
let reachable: PromiseWithResolvers<void>

beforeEach(async () => {
  received = []
  connections = 0
  reachable = Promise.withResolvers()
  server = createServer(async (incoming, response) => {
    const pieces = await incoming.toArray()
    received.push(Buffer.concat(pieces).toString())
    response.end('ok')
  })
  server.on('connection', () => connections++)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  upstream = createUpstream({
    connectTimeoutMs: 10_000,
    firstByteTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    allowInsecureLoopback: true,
    lookup: (_name, _options, callback) => {
      void reachable.promise.then(() => callback(null, [{ address: '127.0.0.1', family: 4 }]))
    },
  })
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  request = { origin, path: '/', method: 'POST', headers: [], body: Buffer.from('a request') }
})

afterEach(async () => {
  await upstream.stop()
  server.close()
})

/** Sends the request; resolves with the fault it met, or `responded`. */
function send(departByMs: number, sent = request) {
  let hasDeparted = false
  const end = Promise.withResolvers<UpstreamFault['reason'] | 'responded'>()
  const call = upstream.send(
    sent,
    {
      departed: () => {
        hasDeparted = true
      },
      start: () => undefined,
      data: () => true,
      end: () => end.resolve('responded'),
      fault: ({ reason }) => end.resolve(reason),
    },
    departByMs,
  )
  return { call, end: end.promise, hasDeparted: () => hasDeparted }
}

it('writes nothing if the connection is established too late, and keeps it for the next attempt', async () => {
  const late = send(performance.now() - 1)
  reachable.resolve()
  expect(await late.end).toBe('too-late')
  expect(late.call.sent).toBe(false)
  expect(late.hasDeparted()).toBe(false)
  const again = send(performance.now() + 10_000)
  expect(again.call.sent).toBe(true)
  expect(await again.end).toBe('responded')
  expect({ received, connections }).toEqual({ received: ['a request'], connections: 1 })
})

it('sends a whole upload after an attempt that was too late', async () => {
  const bytes = Buffer.alloc(300_000, 'x').toString()
  const upload = {
    ...request,
    body: Readable.from([Buffer.from(bytes.slice(0, 100_000)), Buffer.from(bytes.slice(100_000))]),
  }
  reachable.resolve()
  expect(await send(performance.now() - 1, upload).end).toBe('too-late')
  expect(await send(Number.POSITIVE_INFINITY, upload).end).toBe('responded')
  expect(received).toEqual([bytes])
})

it('leaves the connection to others if its request is aborted during the connect', async () => {
  const givenUp = send(Number.POSITIVE_INFINITY)
  givenUp.call.abort()
  reachable.resolve()
  const next = send(Number.POSITIVE_INFINITY)
  onTestFinished(() => next.call.abort())
  expect(await next.end).toBe('responded')
  expect(received).toEqual(['a request'])
})

it('establishes connections in parallel, however long one handshake takes', async () => {
  let open = 0
  const mute = createTcpServer(() => open++)
  await once(mute.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void mute.close())
  reachable.resolve()
  const origin = `https://localhost:${(mute.address() as AddressInfo).port}`
  const calls = Array.from({ length: 5 }, () => send(Number.POSITIVE_INFINITY, { ...request, origin }))
  onTestFinished(() => {
    for (const { call } of calls) call.abort()
  })
  await eventually(() => expect(open).toBe(5))
})

it('resumes one response while a chunk of another is delivered', async () => {
  server.removeAllListeners('request')
  server.on('request', (_incoming, response) => {
    for (let piece = 0; piece < 20; piece++) response.write(Buffer.alloc(100_000))
    response.end('end')
  })
  reachable.resolve()
  let sentBytes = 0
  const start = (data: (piece: Buffer) => boolean) => {
    const end = Promise.withResolvers<UpstreamFault['reason'] | 'responded'>()
    const sink = {
      departed: () => undefined,
      start: () => undefined,
      data: (piece: Buffer) => {
        sentBytes += piece.length
        return data(piece)
      },
      end: () => end.resolve('responded'),
      fault: ({ reason }: UpstreamFault) => end.resolve(reason),
    }
    return { call: upstream.send(request, sink, Number.POSITIVE_INFINITY), end: end.promise }
  }
  const paused = Promise.withResolvers<void>()
  const held = start(() => {
    paused.resolve()
    return false
  })
  await paused.promise
  // A response's room may be found in the very call that takes a piece of another.
  const other = start(() => {
    held.call.resume()
    return true
  })
  expect(await other.end).toBe('responded')
  const goOn = setInterval(() => held.call.resume(), 1)
  onTestFinished(() => clearInterval(goOn))
  expect(await held.end).toBe('responded')
  expect(sentBytes).toBe(2 * 2_000_003)
})
