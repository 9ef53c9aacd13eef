import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream, writeForEver, writePieces } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'
import { untilStable } from './support/until-stable.ts'

const CANARY = 'sk-canary-1f0e9d8c7b6a'
const BODY = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }] }
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string
let baseURL: string

const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = path)
  baseURL = await connectionTo(upstream.url)
})

async function connectionTo(baseUrl: string): Promise<string> {
  const made = await gateway.connection({ baseUrl, apiKey: CANARY })
  await eventually(async () => {
    expect((await postJson(`${made.baseURL}/chat/completions`, apiKey, '')).status).toBe(400)
  })
  return made.baseURL
}

const chat = (body: object = BODY) => postJson(`${baseURL}/chat/completions`, apiKey, body)

describe('a stream', () => {
  const streams = {
    'with CR LF': 'data: {"choices":[{"delta":{"content":"é🙂"}}],"usage":null}\r\n\r\ndata: [DONE]\r\n\r\n',
    'with comments and empty events': ': ping\n\n\n\nevent: x\n\ndata:\n\ndata: {"choices":[{"delta":{}}]}\n\n',
    'without its end': 'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"del',
    'that is none': 'just text \xff\x00 of no kind',
    'of several data lines': 'data: {"choices":[],\ndata: "usage":null}\n\ndata: [DONE]\n\n',
  }

  it.each(Object.entries(streams))('%s arrives as it is, however it is cut', async (_, text) => {
    const bytes = Buffer.from(text, text.includes('\xff') ? 'latin1' : 'utf8')
    const requestsMade = { ...BODY, stream: true, stream_options: { include_usage: true } }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }), async (sizes) => {
        upstream.respond = (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          void writePieces(response, bytes, sizes)
        }
        const clientResponse = await chat(requestsMade)
        expect(clientResponse.body.equals(bytes)).toBe(true)
        // The gateway has requested the usage: it comes without the member that this adds.
        const unasked = await chat({ ...BODY, stream: true })
        expect(unasked.body.toString('latin1')).toBe(bytes.toString('latin1').replace(/,"usage":null(?=\}\r)/, ''))
      }),
      { numRuns: 15 },
    )
  })

  it('is slowed down to the pace of its reader', async () => {
    let writtenBytes = () => 0
    upstream.respond = (_request, response) => {
      writtenBytes = writeForEver(response.writeHead(200, { 'content-type': 'text/event-stream' }))
    }
    const clientResponse = await opened('/chat/completions')
    // Sockets take some megabytes between them; then all stands still.
    const heldAtBytes = await untilStable(() => writtenBytes())
    expect(heldAtBytes).toBeLessThan(32 * 1024 * 1024)
    let readBytes = 0
    clientResponse.on('data', (piece: Buffer) => {
      readBytes += piece.length
    })
    clientResponse.resume()
    await eventually(() => expect(readBytes).toBeGreaterThan(heldAtBytes + 8 * 1024 * 1024))
    clientResponse.destroy()
  })
})

describe('a response', () => {
  it('of bytes arrives unchanged', async () => {
    const bytes = randomBytes(3_000_000)
    upstream.respond = (_request, response) => {
      response.writeHead(200, 'Fine', { 'content-type': 'audio/mpeg', 'x-note': ['a', 'b'], 'set-cookie': 'a=b' })
      response.end(bytes)
    }
    const clientResponse = await postJson(`${baseURL}/audio/speech`, apiKey, { model: 'tts-1', input: 'Hi' })
    expect(clientResponse.body.equals(bytes)).toBe(true)
    expect(clientResponse.headers['x-note']).toBe('a, b')
    expect(clientResponse.headers).not.toHaveProperty('set-cookie')
  })

  it('may be compressed although compression was not requested', async () => {
    const USAGE = '{"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      response.end(gzipSync(USAGE))
    }
    const clientResponse = await chat()
    expect(clientResponse.body.toString()).toBe(USAGE)
    expect(clientResponse.headers).not.toHaveProperty('content-encoding')
    const fresh = await freshConnection(gateway, apiKey, { baseUrl: upstream.url, apiKey: CANARY })
    await postJson(`${fresh.baseURL}/v1/chat/completions`, apiKey, BODY)
    await fresh.isCharged({ requests: 1, tokens: 2 })
  })

  it('may follow informational responses', async () => {
    upstream.respond = (_request, response) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.writeHead(200).end('ok'))
    }
    expect((await chat()).body.toString()).toBe('ok')
  })

  it('to HEAD has a content length but no body', async () => {
    upstream.respond = (_request, response) => response.writeHead(404, { 'content-length': '1234' }).end()
    const headers = { authorization: `Bearer ${apiKey}` }
    const clientResponse = await sendRequest(`${baseURL}/models/x`, { method: 'HEAD', headers })
    expect(clientResponse).toMatchObject({ status: 404, headers: { 'content-length': '1234' } })
    expect(clientResponse.body).toHaveLength(0)
  })
})

describe('an upload', () => {
  it('arrives unchanged, and is slowed down to the pace of its receiver', async () => {
    const bytes = randomBytes(4_000_000)
    const received: Buffer[] = []
    upstream.respond = (request, response) => {
      request.on('data', (piece: Buffer) => received.push(piece))
      request.on('end', () => response.end('{"id":"file-1"}'))
    }
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'multipart/form-data; boundary=x' }
    const clientResponse = await sendRequest(`${baseURL}/files`, { method: 'POST', headers, body: bytes })
    expect(clientResponse.body.toString()).toBe('{"id":"file-1"}')
    expect(Buffer.concat(received).equals(bytes)).toBe(true)
  })

  it('may get its response before it is complete', async () => {
    upstream.respond = (_request, response) => response.writeHead(400).end('{"error":"no"}')
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'multipart/form-data; boundary=x' }
    const clientResponse = await sendRequest(`${baseURL}/files`, {
      method: 'POST',
      headers,
      body: Buffer.alloc(8_000_000),
    })
    expect(clientResponse.status).toBe(400)
    expect(clientResponse.body.toString()).toBe('{"error":"no"}')
  })

  it('is aborted when its client disconnects', async () => {
    const closed = Promise.withResolvers<boolean>()
    const begun = Promise.withResolvers<void>()
    upstream.respond = (request) => {
      request.once('data', () => begun.resolve())
      request.on('close', () => closed.resolve(request.complete))
      request.on('error', () => undefined)
    }
    const sending = httpRequest(`${baseURL}/files`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'text/plain' },
    })
    sending.on('error', () => undefined)
    // More than is held until it is whole.
    sending.write(Buffer.alloc(2_000_000))
    await begun.promise
    sending.destroy()
    expect(await closed.promise).toBe(false)
  })
})

describe('the credential', () => {
  it('is redacted in an error that repeats it', async () => {
    simulator.controls.add({ echoApiKey: true })
    const url = await connectionTo(simulator.url)
    const clientResponse = await postJson(`${url}/chat/completions`, apiKey, BODY)
    expect(clientResponse.status).toBe(502)
    const { error } = JSON.parse(clientResponse.body.toString())
    expect(error.code).toBe('upstream_credential_rejected')
    expect(clientResponse.headers['content-length']).toBe(String(clientResponse.body.length))
    expect(clientResponse.headers['x-sluice-source']).toBe('gateway')
    expect(clientResponse.body.toString()).not.toContain(CANARY)
  })

  it('is redacted in headers, compressed bodies, and bodies in chunks', async () => {
    upstream.respond = (_request, response) => {
      response.writeHead(403, { 'content-encoding': 'gzip', 'www-authenticate': `Bearer error="${CANARY}"` })
      const zipped = gzipSync(`You sent ${CANARY}, and again ${CANARY}.`)
      response.write(zipped.subarray(0, 12))
      setImmediate(() => response.end(zipped.subarray(12)))
    }
    const clientResponse = await chat()
    expect(clientResponse.body.toString()).toBe('You sent [redacted], and again [redacted].')
    expect(clientResponse.headers['www-authenticate']).toBe('Bearer error="[redacted]"')
    expect(clientResponse.headers).not.toHaveProperty('content-encoding')
  })

  it('cannot leak through a body that cannot be decoded, which is dropped', async () => {
    upstream.respond = (_request, response) => {
      response.writeHead(500, { 'content-encoding': 'secret-sauce' }).end(CANARY)
    }
    const clientResponse = await chat()
    expect(clientResponse.status).toBe(500)
    expect(clientResponse.body).toHaveLength(0)
  })

  it('is redacted in an endless error, which is cut', async () => {
    upstream.respond = (_request, response) => {
      writeForEver(response.writeHead(500), Buffer.from(CANARY.repeat(100)))
    }
    const clientResponse = await chat()
    expect(clientResponse.status).toBe(500)
    expect(clientResponse.body.length).toBeLessThan(1024 * 1024)
    expect(clientResponse.body.toString()).not.toContain(CANARY)
  })

  it('is in no log line or event, and neither is an API key or a prompt', async () => {
    upstream.respond = (_request, response) => response.destroy()
    await postJson(`${baseURL}/chat/completions?key=${apiKey}`, apiKey, {
      ...BODY,
      messages: [{ role: 'user', content: 'canary-prompt' }],
    })
    await eventually(() => expect(gateway.logs()).toContain('upstream fault'))
    const written = gateway.logs() + JSON.stringify(gateway.events)
    for (const secret of [CANARY, apiKey, 'canary-prompt']) expect(written).not.toContain(secret)
  })
})

/** A request whose response has begun and is not read. */
async function opened(path: string): Promise<IncomingMessage> {
  const request = httpRequest(`${baseURL}${path}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
  })
  request.on('error', () => undefined)
  request.end(JSON.stringify({ ...BODY, stream: true, stream_options: { include_usage: true } }))
  const [clientResponse] = (await once(request, 'response')) as [IncomingMessage]
  return clientResponse.pause()
}
