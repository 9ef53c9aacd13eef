import type { ServerResponse } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { eventually } from '@sluice/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream, writePieces } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const OLD = 'sk-canary-old-1f0e9d8c7b6a'
const NEW = 'sk-canary-new-a6b7c8d9e0f1'
const BODY = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }] }
const STREAM = { ...BODY, stream: true, stream_options: { include_usage: true } }

const path = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)

const connect = () => path.gateway.connection({ baseUrl: upstream.url, apiKey: OLD })
const send = (baseURL: string, body: object) => postJson(`${baseURL}/chat/completions`, path.apiKey, body)
/** Known to the gateway, too. */
const connected = async () => {
  const made = await connect()
  await eventually(async () => expect((await send(made.baseURL, [])).status).toBe(400))
  return made
}

/** Returns what replaces `length` bytes of a body that is passed on as it comes. */
const filler = (length: number) => '[redacted]'.padEnd(length, '*')
/** The text with the key's first characters taken out, too: up to three are passed on where a piece ends with them. */
const wholly = (text: string) =>
  [1, 2, 3].reduce(
    (rest, shown) => rest.replaceAll(OLD.slice(0, shown) + filler(OLD.length - shown), filler(OLD.length)),
    text,
  )
const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
const delta = (content: string) => event({ choices: [{ delta: { content } }] })
const JSON_TYPE = { 'content-type': 'application/json' }
const EVENTS = { 'content-type': 'text/event-stream' }

/** Returns whether a text has nine characters in a row that are the key's own. */
function shows(text: string, key: string): boolean {
  return Array.from({ length: key.length - 8 }, (_, at) => key.slice(at, at + 9))
    .filter((run) => /\d/.test(run))
    .some((run) => text.includes(run))
}

describe('a credential that a response of status 200 or 3xx repeats', () => {
  const message = `refused key ${OLD}`
  const halves = [OLD.slice(0, 16), OLD.slice(16)]
  const failed = { id: 'resp_1', status: 'failed', error: { code: 'server_error', message } }
  const schema = { type: 'object', properties: { delta: { type: 'number' } } }
  const responses: Record<string, [status: number, headers: Record<string, string>, body: string]> = {
    'an error in place of choices': [200, JSON_TYPE, JSON.stringify({ error: { code: 502, message } })],
    'an error of Anthropic’s': [
      200,
      JSON_TYPE,
      JSON.stringify({ type: 'error', error: { type: 'api_error', message } }),
    ],
    'an error in a choice': [
      200,
      JSON_TYPE,
      JSON.stringify({ choices: [{ finish_reason: 'error', error: { message } }] }),
    ],
    'an error of no known shape': [200, JSON_TYPE, JSON.stringify([{ detail: [{ msg: message }] }])],
    'a named event': [200, EVENTS, `event: error\ndata: ${JSON.stringify({ message, code: 401 })}\n\n`],
    'an error beside a delta': [200, EVENTS, event({ choices: [{ delta: { content: '' } }], error: { message } })],
    'a failed response with a tool': [
      200,
      EVENTS,
      event({ type: 'response.failed', response: { ...failed, tools: [{ parameters: schema }] } }),
    ],
    'an event that is no JSON': [200, EVENTS, `data: Incorrect API key provided: ${OLD}\n\n`],
    'an event of two lines of data': [200, EVENTS, `data: {"error":\ndata: ${JSON.stringify({ message })}}\n\n`],
    'an event whose lines part the key': [200, EVENTS, `data: ${halves[0]}\ndata: ${halves[1]}\n\n`],
    'a comment in a stream': [200, EVENTS, `: key ${OLD}\n\n`],
    'a stream’s end without a blank line': [200, EVENTS, `data: ${JSON.stringify({ error: { message } })}`],
    'what a model writes': [200, EVENTS, delta(`You might call it ${OLD}.`)],
    'an array that is streamed': [
      200,
      JSON_TYPE,
      `[${JSON.stringify({ a: 1 })}\n,\r\n${JSON.stringify({ error: { message } })}]`,
    ],
    'lines of JSON': [200, { 'content-type': 'application/x-ndjson' }, `{"a":1}\n${JSON.stringify({ message })}\n`],
    'text without a type': [200, {}, message],
    'a redirection': [302, { location: `/login?key=${OLD}` }, `<a href="/login?key=${OLD}">Found</a>`],
    'a page of choices': [300, JSON_TYPE, JSON.stringify({ message })],
    'a key that is masked in part': [200, JSON_TYPE, JSON.stringify({ error: `${OLD.slice(0, 21)}****` })],
    'a key whose end is shown': [200, JSON_TYPE, JSON.stringify({ error: `sk-****${OLD.slice(-11)}` })],
    'a key in escapes alone': [
      200,
      JSON_TYPE,
      `{"a":"${OLD.replaceAll(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)}"}`,
    ],
  }
  const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 })

  describe.each(Object.entries(responses))('as %s', (_, [status, headers, body]) => {
    it('is redacted in chunks of any size, and nothing else changes', async () => {
      const { baseURL } = await connected()
      const sent = Buffer.from(body)
      await fc.assert(
        fc.asyncProperty(sizes, fc.boolean(), async (pieces, isAnnounced) => {
          upstream.respond = (_request, response) => {
            const length = isAnnounced ? { 'content-length': String(sent.length) } : {}
            response.writeHead(status, { ...headers, ...length })
            void writePieces(response, sent, pieces)
          }
          const clientResponse = await send(baseURL, STREAM)
          expect(clientResponse.status).toBe(status)
          const text = clientResponse.body.toString()
          expect(shows(JSON.stringify(clientResponse.headers) + text, OLD)).toBe(false)
          expect(text).toHaveLength(sent.length)
          if (body.includes(OLD)) expect(wholly(text)).toBe(body.replaceAll(OLD, filler(OLD.length)))
          if (headers === JSON_TYPE) expect(JSON.stringify(JSON.parse(text))).not.toContain(OLD)
        }),
        { numRuns: 6 },
      )
    })

    it.each([
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['deflate', deflateRawSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ])('is redacted in a compressed response: %s', async (coding, compress) => {
      const { baseURL } = await connected()
      upstream.respond = (_request, response) => {
        response.writeHead(status, { ...headers, 'content-encoding': coding })
        void writePieces(response, compress(body), [7])
      }
      const clientResponse = await send(baseURL, STREAM)
      expect(clientResponse.status).toBe(status)
      expect(clientResponse.headers).not.toHaveProperty('content-encoding')
      expect(clientResponse.body.length).toBe(Buffer.byteLength(body))
      expect(shows(JSON.stringify(clientResponse.headers) + clientResponse.body, OLD)).toBe(false)
    })
  })

  it.each([
    ['a chunk’s error', STREAM, event({ choices: [{ delta: {} }], error: { message } })],
    ['an event that is no JSON', STREAM, `data: ${message}\n\n`],
    ['an error in place of a response', BODY, JSON.stringify({ error: { message } })],
    ['an error in a choice', BODY, JSON.stringify({ choices: [{ message: { content: '' }, error: { message } }] })],
  ])('is redacted at the unified endpoint: %s', async (_, requested, body) => {
    const { settings } = await connected()
    upstream.respond = (_request, response) => {
      response.writeHead(200, requested === STREAM ? EVENTS : JSON_TYPE)
      void writePieces(response, Buffer.from(body), [11])
    }
    const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, {
      ...requested,
      model: `${settings.name}/gpt-4.1`,
    })
    expect(clientResponse.body.toString()).toContain('[redacted]')
    expect(shows(clientResponse.body.toString(), OLD)).toBe(false)
  })

  it.each([
    ['anthropic', { type: 'error', error: { type: 'overloaded_error', message } }],
    ['google', { error: { code: 503, message, status: 'UNAVAILABLE' } }],
  ] as const)('is cut out of what is said in other words: an error of %s', async (provider, error) => {
    const { settings } = await freshConnection(path.gateway, path.apiKey, {
      provider,
      baseUrl: upstream.url,
      apiKey: OLD,
    })
    for (const stream of [false, true]) {
      const body = stream ? `event: error\n${event(error)}` : JSON.stringify(error)
      upstream.respond = (_request, response) => {
        response.writeHead(200, stream ? EVENTS : JSON_TYPE)
        void writePieces(response, Buffer.from(body), [13])
      }
      const requested = { ...BODY, stream, model: `${settings.name}/m` }
      const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, requested)
      expect(clientResponse.body.toString()).toContain('[redacted]')
      expect(shows(clientResponse.body.toString(), OLD)).toBe(false)
    }
  })

  it('is redacted in the list of models', async () => {
    const { settings } = await connected()
    upstream.respond = (_request, response) =>
      response
        .writeHead(200, JSON_TYPE)
        .end(JSON.stringify({ object: 'list', data: [{ id: `m-${OLD}` }, { id: 'm-2' }] }))
    const only = await path.gateway.apiKey({ connections: [settings.id] })
    await eventually(async () => {
      const headers = { authorization: `Bearer ${only}` }
      const { data } = JSON.parse((await sendRequest(`${path.gateway.url}/v1/models`, { headers })).body.toString())
      expect(data.map(({ id }: { id: string }) => id)).toEqual([
        `${settings.name}/m-[redacted]`,
        `${settings.name}/m-2`,
      ])
    })
  })

  it('does not delay the events of its stream', async () => {
    const { baseURL } = await connected()
    const next = Promise.withResolvers<void>()
    upstream.respond = async (_request, response) => {
      response.writeHead(200, EVENTS).write(delta('sk'))
      await next.promise
      response.end(delta('b'))
    }
    const clientResponse = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${path.apiKey}`, ...JSON_TYPE },
      body: JSON.stringify(STREAM),
    })
    const reader = clientResponse.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(delta('sk'))
    next.resolve()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(delta('b'))
  })
})

describe.each(['x', '-', 'none', '0', 'a', 'json', '/', '8'])('the key “%s” of a server that needs none', (key) => {
  const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1_790_000_000, model: 'm' }
  const stream =
    event({ ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'six' }, finish_reason: null }] }) +
    event({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  const usage = event({ ...chunk, choices: [], usage: { prompt_tokens: 500, completion_tokens: 2, total_tokens: 502 } })
  const connectWith = () => freshConnection(path.gateway, path.apiKey, { baseUrl: upstream.url, apiKey: key })

  it('changes no stream or its headers, and usage is read', async () => {
    const { baseURL, isCharged } = await connectWith()
    upstream.respond = (_request, response) => {
      response.writeHead(200, { ...EVENTS, 'x-request-id': 'req-none-1' })
      response.end(`${stream}${usage}data: [DONE]\n\n`)
    }
    const clientResponse = await send(`${baseURL}/v1`, { ...BODY, stream: true })
    expect(clientResponse.body.toString()).toBe(`${stream}data: [DONE]\n\n`)
    expect(clientResponse.headers).toMatchObject({ ...EVENTS, 'x-request-id': 'req-none-1' })
    await isCharged({ requests: 1, tokens: 502 })
  })

  it('changes an error only where the error quotes it', async () => {
    const { baseURL, settings } = await connectWith()
    const words = 'max_tokens exceeds the context; tool_choice none or auto'
    const errorOf = (message: string) =>
      JSON.stringify({ error: { message, type: 'invalid_request_error', code: null } })
    const says = async (message: string) => {
      const body = errorOf(message)
      upstream.respond = (_request, response) =>
        response.writeHead(400, { ...JSON_TYPE, 'content-length': body.length }).end(body)
      const clientResponse = await send(`${baseURL}/v1`, BODY)
      expect(clientResponse.headers['content-length']).toBe(String(clientResponse.body.length))
      return clientResponse.body.toString()
    }
    expect(await says(words)).toBe(errorOf(words))
    expect(await says(`Refused. Incorrect API key provided: ${key}. ${words}`)).toBe(
      errorOf(`Refused. Incorrect API key provided: [redacted]. ${words}`),
    )
    upstream.respond = (_request, response) => response.writeHead(400, JSON_TYPE).end(JSON.stringify({ detail: words }))
    const requested = { ...BODY, model: `${settings.name}/m` }
    const unified = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, requested)
    expect(JSON.parse(unified.body.toString()).error.message).toContain(words)
  })
})

it('redacts each request’s own credential around a rotation', async () => {
  const begun: { readonly sent: string; readonly response: ServerResponse }[] = []
  upstream.respond = (request, response) => void begun.push({ sent: request.headers.authorization ?? '', response })
  const { baseURL, settings } = await connected()
  const before = send(baseURL, BODY)
  await eventually(() => expect(begun).toHaveLength(1))

  path.gateway.credentials.set(settings.id, { apiKey: NEW })
  await path.gateway.connections.put(settings.id, { ...settings, credentialVersion: 2, version: 2 })
  await eventually(() =>
    expect(path.gateway.credentialRequests.at(-1)).toEqual({ connectionId: settings.id, version: 2 }),
  )
  const later: ReturnType<typeof send>[] = []
  await eventually(() => {
    later.push(send(baseURL, BODY))
    expect(begun.at(-1)?.sent).toBe(`Bearer ${NEW}`)
  })

  await eventually(() => expect(begun).toHaveLength(1 + later.length))
  for (const { sent, response } of begun) response.writeHead(409).end(`You sent ${sent}.`)
  for (const clientResponse of await Promise.all([before, ...later])) {
    expect(clientResponse.body.toString()).toBe('You sent Bearer [redacted].')
  }
  expect(new Set(begun.map(({ sent }) => sent))).toEqual(new Set([`Bearer ${OLD}`, `Bearer ${NEW}`]))
})
