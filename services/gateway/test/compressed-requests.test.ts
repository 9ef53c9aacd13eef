import { connect as connectHttp2 } from 'node:http2'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { eventually } from '@sluice/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { sendHttp2Request } from './support/send-http2-request.ts'
import { sendRequest, sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const MAX_BODY_BYTES = 1024 * 1024
const CODINGS = [
  ['gzip', gzipSync],
  ['X-Gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['identity', (body: Buffer) => body],
  ['gzip, zstd', (body: Buffer) => zstdCompressSync(gzipSync(body))],
  // What is compressed piece by piece may be several members or frames.
  ['gzip', (body: Buffer) => Buffer.concat([gzipSync(body.subarray(0, 9)), gzipSync(body.subarray(9))])],
  [
    'zstd',
    (body: Buffer) => Buffer.concat([zstdCompressSync(body.subarray(0, 9)), zstdCompressSync(body.subarray(9))]),
  ],
] as const
const PATHS = [
  ['openai', '/v1/responses', { model: 'm', input: 'Say hello', stream: true, store: false }],
  ['groq', '/openai/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'Hi' }] }],
  ['anthropic', '/v1/messages', { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] }],
  ['google', '/v1beta/models/m:generateContent', { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }],
] as const
let received: { readonly headers: Readonly<Record<string, unknown>>; readonly body: string }[]

const data = startBeforeAll(() =>
  startDataPath({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES), MAX_HELD_BYTES: '4000000' } }),
)
const upstream = startBeforeAll(startRawUpstream)

beforeEach(() => {
  received = []
  upstream.respond = (request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(pieces).toString('latin1') })
      response.setHeader('content-type', 'application/json')
      response.end('{"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}')
    })
  }
})

const connection = (settings: Parameters<typeof freshConnection>[2] = { baseUrl: upstream.url }) =>
  freshConnection(data.gateway, data.apiKey, settings)

function send(url: string, encoding: string, body: Buffer, headers: Readonly<Record<string, string>> = {}) {
  return sendRequest(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${data.apiKey}`,
      'content-type': 'application/json',
      'content-encoding': encoding,
      ...headers,
    },
    body,
  })
}

describe.each(CODINGS)('a body with content-encoding %s', (encoding, compress) => {
  it.each(PATHS)('is forwarded to %s decoded', async (provider, path, body) => {
    const { baseURL } = await connection({ provider, baseUrl: upstream.url })
    const plain = JSON.stringify(body)
    const { status } = await send(`${baseURL}${path}`, encoding, compress(Buffer.from(plain)), { 'content-md5': 'x' })
    expect(status).toBe(200)
    expect(received).toEqual([
      { headers: expect.objectContaining({ 'content-length': String(plain.length) }), body: plain },
    ])
    expect(Object.keys(received[0]?.headers ?? {})).not.toContain('content-encoding')
    if (encoding !== 'identity') expect(Object.keys(received[0]?.headers ?? {})).not.toContain('content-md5')
  })

  it('is translated at the unified endpoint', async () => {
    const body = { model: '', messages: [{ role: 'user', content: 'Hi' }] }
    for (const provider of ['openai', 'anthropic'] as const) {
      const { settings } = await connection({ provider, baseUrl: upstream.url })
      const plain = Buffer.from(JSON.stringify({ ...body, model: `${settings.name}/m` }))
      await send(`${data.gateway.url}/v1/chat/completions`, encoding, compress(plain))
      const { headers, body: sent } = received.at(-1) ?? { headers: {}, body: '{}' }
      expect(JSON.parse(sent)).toMatchObject({ model: 'm', messages: [{ role: 'user' }] })
      expect(headers).not.toHaveProperty('content-encoding')
      expect(headers).toHaveProperty('content-length', String(sent.length))
    }
    expect(received).toHaveLength(2)
  })

  it('is accepted over HTTP/2', async () => {
    const { settings } = await connection()
    const session = connectHttp2(data.gateway.url)
    try {
      const plain = JSON.stringify({ model: 'm', input: 'x' })
      const { status } = await sendHttp2Request(session, `/connections/${settings.name}/v1/responses`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${data.apiKey}`,
          'content-type': 'application/json',
          'content-encoding': encoding,
        },
        body: compress(Buffer.from(plain)),
      })
      expect([status, received.map(({ body }) => body)]).toEqual([200, [plain]])
    } finally {
      session.destroy()
    }
  })
})

describe('a compressed body', () => {
  const chat = (content: string) => Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }))

  it('reserves tokens by its decoded length', async () => {
    const { baseURL } = await connection({
      baseUrl: upstream.url,
      defaultMaxOutputTokens: 1,
      capacity: [{ period: 'hour', tokens: 10_000 }],
    })
    const { status, body } = await send(`${baseURL}/v1/chat/completions`, 'gzip', gzipSync(chat('x'.repeat(100_000))))
    expect([status, body.toString()]).toEqual([400, expect.stringContaining('request_exceeds_capacity')])
    expect(received).toEqual([])
  })

  it('is limited to the allowed models', async () => {
    const { baseURL } = await connection({ baseUrl: upstream.url, allowedModels: ['other'] })
    const { status } = await send(`${baseURL}/v1/chat/completions`, 'zstd', zstdCompressSync(chat('x')))
    expect([status, received]).toEqual([403, []])
  })

  it.each(CODINGS.filter(([name]) => name !== 'identity'))(
    'of %s that expands beyond the bound is refused',
    async (encoding, compress) => {
      const { baseURL } = await connection()
      const { status, headers } = await send(
        `${baseURL}/v1/responses`,
        encoding,
        compress(chat('x'.repeat(2 * MAX_BODY_BYTES))),
      )
      expect([status, headers['x-sluice-source'], received]).toEqual([413, 'gateway', []])
    },
  )

  it('is refused if only an inner coding expands beyond the bound', async () => {
    const { baseURL } = await connection()
    // Two hundred thousand stored blocks of no bytes each, which decode to nothing.
    const empty = Buffer.concat([
      Buffer.from([0x78, 0x01]),
      Buffer.alloc(5 * 400_000, Buffer.from([0, 0, 0, 0xff, 0xff])),
    ])
    const { status } = await send(`${baseURL}/v1/responses`, 'deflate, gzip', gzipSync(empty))
    expect([status, received]).toEqual([413, []])
  })

  it('has its structure counted as it is decoded', async () => {
    const { baseURL } = await connection()
    const nested = Buffer.from(`{"model":"m","input":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    const { status, body } = await send(`${baseURL}/v1/responses`, 'br', brotliCompressSync(nested))
    expect([status, body.toString()]).toEqual([400, expect.stringContaining('levels deep')])
  })

  it('counts by its decoded size against its key’s share of memory, which it releases', async () => {
    const { baseURL } = await connection()
    const waiting: (() => void)[] = []
    upstream.respond = (request, response) => {
      request.resume()
      waiting.push(() => void response.end('{}'))
    }
    // Of four megabytes, a key that is alone may hold two.
    const large = gzipSync(chat('x'.repeat(900_000)))
    const held = [send(`${baseURL}/v1/responses`, 'gzip', large), send(`${baseURL}/v1/responses`, 'gzip', large)]
    await eventually(() => expect(waiting).toHaveLength(2))
    const refused = await send(`${baseURL}/v1/responses`, 'gzip', large)
    expect([refused.status, refused.body.toString()]).toEqual([429, expect.stringContaining('rate_limited')])
    for (const clientResponse of waiting) clientResponse()
    for (const { status } of await Promise.all(held)) expect(status).toBe(200)
    await eventually(async () => {
      const again = send(`${baseURL}/v1/responses`, 'gzip', large)
      await Promise.race([again, eventually(() => expect(waiting.length).toBeGreaterThan(2))])
      for (const clientResponse of waiting) clientResponse()
      expect((await again).status).toBe(200)
    })
  })

  it.each([
    ['gzip', Buffer.from('{"model":"m"}')],
    ['deflate', Buffer.from('xx')],
    ['br', Buffer.from('{"model":"m"}')],
    ['zstd', Buffer.from('{"model":"m"}')],
    ['gzip', gzipSync('{"model":"m"}').subarray(0, 20)],
    ['zstd', zstdCompressSync('{"model":"m"}').subarray(0, 15)],
    ['br', Buffer.concat([brotliCompressSync('{"model":"m"}'), Buffer.from('more')])],
    ['deflate', Buffer.concat([deflateSync('{"model":"m"}'), Buffer.from('more')])],
    ['zstd', Buffer.concat([zstdCompressSync('{"model":"m"}'), Buffer.from('more')])],
    ['gzip, br', gzipSync('{"model":"m"}')],
  ])('that is damaged is refused with a message: %s', async (encoding, body) => {
    const { baseURL } = await connection()
    const clientResponse = await send(`${baseURL}/v1/responses`, encoding, body)
    const words = expect.stringContaining('cannot be decoded by its content-encoding')
    expect([clientResponse.status, clientResponse.body.toString(), received]).toEqual([400, words, []])
  })

  it('of zstd may not require a window of more than 8 MiB', async () => {
    const { baseURL } = await connection()
    const params = { [constants.ZSTD_c_windowLog]: 26, [constants.ZSTD_c_contentSizeFlag]: 0 }
    const body = zstdCompressSync(Buffer.alloc(70_000_000, ' '), { params })
    const clientResponse = await send(`${baseURL}/v1/responses`, 'zstd', body)
    expect([clientResponse.status, clientResponse.body.toString()]).toEqual([
      400,
      expect.stringContaining('larger than 8 MiB'),
    ])
  })

  it('of zstd may not have any number of frames', async () => {
    const { baseURL } = await connection()
    const empty = zstdCompressSync(Buffer.alloc(0))
    const body = Buffer.concat([zstdCompressSync('{"model":"m"}'), Buffer.alloc(empty.length * 10_000, empty)])
    const clientResponse = await send(`${baseURL}/v1/responses`, 'zstd', body)
    expect([clientResponse.status, clientResponse.body.toString()]).toEqual([
      400,
      expect.stringContaining('more than 64 frames'),
    ])
  })

  it('without bytes is an empty one', async () => {
    const { baseURL } = await connection()
    const { status } = await send(`${baseURL}/v1/responses`, 'gzip', Buffer.alloc(0))
    expect(status).toBe(400)
  })

  it('that is not inspected is streamed unchanged', async () => {
    const { baseURL } = await connection()
    const body = gzipSync('some audio')
    const clientResponse = await send(`${baseURL}/v1/audio/transcriptions`, 'gzip', body, {
      'content-type': 'audio/wav',
    })
    expect(clientResponse.status).toBe(200)
    expect(received).toMatchObject([{ headers: { 'content-encoding': 'gzip' }, body: body.toString('latin1') }])
  })
})

describe('an unknown content coding', () => {
  it.each(['compress', 'gzip, lz4', 'aws-chunked'])('is refused with a 415 that names it: %s', async (encoding) => {
    const { baseURL, settings } = await connection()
    const body = Buffer.from(JSON.stringify({ model: `${settings.name}/m` }))
    for (const url of [`${baseURL}/v1/chat/completions`, `${data.gateway.url}/v1/chat/completions`]) {
      const clientResponse = await send(url, encoding, body)
      const named = encoding.split(', ').at(-1)
      expect(clientResponse.status).toBe(415)
      expect(clientResponse.headers['accept-encoding']).toBe('gzip, deflate, br, zstd')
      expect(clientResponse.body.toString()).toContain(
        `\\"${named}\\" is not supported. Compress the body with gzip, deflate`,
      )
    }
    expect(received).toEqual([])
  })

  it('is refused before the body has arrived', async () => {
    const { settings } = await connection()
    const head = [
      `POST /connections/${settings.name}/v1/responses HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${data.apiKey}`,
      'content-type: application/json',
      'content-encoding: lz4',
      'content-length: 1000000',
      '\r\n',
    ]
    expect(await sendText(data.gateway.url, head.join('\r\n'))).toMatch(/^HTTP\/1\.1 415 /)
  })

  it('includes a chain of too many codings', async () => {
    const { baseURL } = await connection()
    const clientResponse = await send(`${baseURL}/v1/responses`, 'gzip, gzip, gzip, gzip', Buffer.from('x'))
    expect([clientResponse.status, clientResponse.body.toString()]).toEqual([
      400,
      expect.stringContaining('more than 3'),
    ])
  })
})
