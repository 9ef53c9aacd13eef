import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  brotliCompressSync,
  constants,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import type { WireHeaders } from '@sluice/providers'
import { eventually } from '@sluice/testkit'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { decodedUpstream } from '../src/upstream/decoded-upstream.ts'
import { createUpstream, type RunningUpstream } from '../src/upstream/http-client.ts'
import type { Upstream, UpstreamCall } from '../src/upstream/upstream.ts'
import { writePieces } from './support/raw-upstream.ts'
import { untilStable } from './support/until-stable.ts'

const MIB = 1024 * 1024
const CODINGS = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const

let server: Server
let running: RunningUpstream
let upstream: Upstream
let respond: (response: ServerResponse) => void

beforeEach(async () => {
  server = createServer((_request, response) => respond(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  running = createUpstream({
    connectTimeoutMs: 10_000,
    firstByteTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    allowInsecureLoopback: true,
  })
  upstream = decodedUpstream(running)
})

afterEach(async () => {
  await running.stop()
  server.close()
  server.closeAllConnections()
})

/** Everything that came of a request; `takes` is what is said to each piece. */
function send(method = 'GET', takes: (bytes: number) => boolean = () => true) {
  const came = { status: 0, headers: {} as WireHeaders, text: '', bytes: 0, end: '' }
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ended = Promise.withResolvers<typeof came>()
  const end = (how: string) => {
    came.end += how
    ended.resolve(came)
  }
  const call: UpstreamCall = upstream.send(
    { origin, path: '/', method, headers: [], body: null },
    {
      departed: () => undefined,
      start: (status, _message, headers) => Object.assign(came, { status, headers }),
      data: (chunk) => {
        came.bytes += chunk.length
        if (came.bytes < MIB) came.text += chunk
        return takes(came.bytes)
      },
      end: () => end('end'),
      fault: ({ reason }) => end(reason),
    },
    Number.POSITIVE_INFINITY,
  )
  return { call, came, ended: ended.promise }
}

it.each(CODINGS)('decodes %s, in chunks of any size', async (coding, compress) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.constantFrom(200, 302, 404), sizes, async (text, status, pieces) => {
      const body = compress(text)
      respond = (response) => {
        response.writeHead(status, { 'content-encoding': coding, 'content-length': body.length, 'x-kept': 'a' })
        void writePieces(response, body, pieces)
      }
      const came = await send().ended
      expect(came).toMatchObject({ status, text, end: 'end', headers: { 'x-kept': 'a' } })
      expect(came.headers).not.toHaveProperty('content-encoding')
      expect(came.headers).not.toHaveProperty('content-length')
    }),
    { numRuns: 15 },
  )
})

it.each([
  ['no coding', 'GET', 200, {}, 'plain'],
  ['identity', 'GET', 200, { 'content-encoding': 'Identity' }, 'plain'],
  ['a HEAD', 'HEAD', 200, { 'content-encoding': 'gzip', 'content-length': '9' }, ''],
  ['a 304', 'GET', 304, { 'content-encoding': 'secret-sauce' }, ''],
  ['a 204', 'GET', 204, { 'content-encoding': 'br' }, ''],
] as const)('leaves alone what is not compressed: %s', async (_, method, status, headers, text) => {
  respond = (response) => void response.writeHead(status, headers).end(text)
  expect(await send(method).ended).toMatchObject({ status, text, headers, end: 'end' })
})

it.each(['gzip', 'br', 'zstd', 'deflate'])('accepts an empty body in %s', async (coding) => {
  respond = (response) => void response.writeHead(200, { 'content-encoding': coding }).end()
  expect(await send().ended).toMatchObject({ status: 200, text: '', end: 'end' })
})

it.each(['compress', 'gzip, br', 'constructor', '__proto__', 'secret-sauce'])(
  'gives nothing of a body in a coding that is not known: %s',
  async (coding) => {
    respond = (response) => void response.writeHead(200, { 'content-encoding': coding }).end('secret')
    expect(await send().ended).toMatchObject({ status: 0, bytes: 0, end: 'undecodable' })
    respond = (response) => void response.writeHead(500, { 'content-encoding': coding }).end('secret')
    expect(await send().ended).toMatchObject({ status: 500, bytes: 0, end: 'end' })
  },
)

it.each(CODINGS)(
  'of damaged %s, passes on what could be read, and reports a fault unless it is an error’s',
  async (coding, compress) => {
    const body = compress('a'.repeat(300) + Math.PI)
    for (const damaged of [body.subarray(0, -5), Buffer.alloc(20, 0xff)]) {
      for (const [status, end] of [
        [200, 'undecodable'],
        [404, 'end'],
      ] as const) {
        respond = (response) => void response.writeHead(status, { 'content-encoding': coding }).end(damaged)
        const came = await send().ended
        expect(came).toMatchObject({ status, end })
        expect('a'.repeat(300) + Math.PI).toContain(came.text)
      }
    }
  },
)

it('passes on each event of a compressed stream when it arrives', async () => {
  const next = Promise.withResolvers<void>()
  respond = async (response) => {
    const zip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    zip.pipe(response.writeHead(200, { 'content-encoding': 'gzip' }))
    zip.write('data: a\n\n')
    await next.promise
    zip.end('data: b\n\n')
  }
  const { came, ended } = send()
  await eventually(() => expect(came.text).toBe('data: a\n\n'))
  next.resolve()
  expect((await ended).text).toBe('data: a\n\ndata: b\n\n')
})

it('expands no more than the sink takes, however much a few bytes expand to', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * MIB))
  respond = (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
  let isTaken = false
  const { call, came, ended } = send('GET', () => isTaken)
  await eventually(() => expect(came.bytes).toBeGreaterThan(0))
  expect(await untilStable(() => came.bytes)).toBeLessThan(MIB)
  isTaken = true
  call.resume()
  expect(await ended).toMatchObject({ bytes: 200 * MIB, end: 'end' })
})

it('passes on nothing more once the call is aborted', async () => {
  respond = (response) => {
    const zip = createGzip({ flush: constants.Z_SYNC_FLUSH })
    zip.pipe(response.writeHead(200, { 'content-encoding': 'gzip' }))
    zip.write('a')
    response.on('close', () => zip.destroy())
  }
  const { call, came } = send('GET', () => {
    call.abort()
    return true
  })
  await eventually(() => expect(came.text).toBe('a'))
  await eventually(
    () =>
      new Promise<void>((resolve, reject) =>
        server.getConnections((_, open) => (open === 0 ? resolve() : reject(new Error('open')))),
      ),
  )
  expect(came.end).toBe('')
})
