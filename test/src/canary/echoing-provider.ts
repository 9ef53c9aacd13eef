import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

/**
 * The ways to fail, each of which repeats the key. A request selects one by `echo-NAME` anywhere in its path or body.
 */
export const ECHOES = ['body', 'headers', 'chunks', 'gzip', 'text', 'broken', 'malformed'] as const
/** The ways whose status is not an error. */
export const ECHOES_WITH_SUCCESS = [
  'event',
  'success',
  'choice',
  'words',
  'lines',
  'array',
  'masked',
  'zipped',
  'sauce',
  'redirect',
] as const

export interface EchoingProvider {
  readonly url: string
  /** Returns how many requests wait for a response that never comes (`echo-hang`). */
  hanging(): number
  stop(): Promise<void>
}

/**
 * Starts a provider that repeats the key of every request in its errors, in every part of a response. The response to
 * `echo-output` has OpenAI's format, with `content` as the model's text, plain or streamed.
 */
export async function startEchoingProvider(content: string): Promise<EchoingProvider> {
  let hanging = 0
  const server = createServer((request, response) => {
    const respond = async () => {
      const received = (request.url ?? '') + (await text(request))
      const name = /echo-(\w+)/.exec(received)?.[1] ?? 'body'
      if (name === 'hang') hanging++
      else if (name === 'output') modelResponse(response, content, received.includes('"stream":true'))
      else await (ANSWERS[name] ?? inBody)(response, { key: keyOf(request), body: errorBody(request) })
    }
    respond().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hanging: () => hanging,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface Said {
  readonly key: string
  /** An error that repeats the key. */
  readonly body: string
}

type EchoingResponse = (response: ServerResponse, said: Said) => void | Promise<void>

const ANSWERS: Readonly<Record<string, EchoingResponse>> = {
  body: inBody,
  headers: (response, { key, body }) => {
    for (const name of HEADERS) response.setHeader(name, key)
    response.writeHead(403, `Not ${key}`, JSON_TYPE).end(body)
  },
  chunks: (response, { body }) => {
    response.writeHead(500, JSON_TYPE)
    return inPieces(response, body)
  },
  gzip: (response, { body }) => {
    response.writeHead(400, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(body))
  },
  text: (response, { key }) => {
    response
      .writeHead(502, { 'content-type': 'text/html' })
      .end(`<p>No such key: ${key}, ${encodeURIComponent(key)}</p>`)
  },
  event: (response, { body }) => {
    response.writeHead(200, EVENTS)
    return inPieces(response, `event: error\ndata: ${body}\n\n`)
  },
  success: (response, { body }) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': Buffer.byteLength(body) })
    return inPieces(response, body)
  },
  choice: (response, { body }) => {
    response.writeHead(200, JSON_TYPE)
    response.end(
      `{"choices":[{"index":0,"message":{"content":""},"error":${body}}],"candidates":[${body}],"content":${body}}`,
    )
  },
  words: (response, { key }) => {
    response.writeHead(200, EVENTS)
    return inPieces(response, `: ${key}\n\ndata: Incorrect API key provided: ${key}\n\n`)
  },
  lines: (response, { key, body }) => {
    response.writeHead(200, EVENTS)
    return inPieces(
      response,
      `data: {"error":\ndata: ${body}}\n\ndata: ${key.slice(0, 30)}\ndata: ${key.slice(30)}\n\n`,
    )
  },
  array: (response, { body }) => {
    response.writeHead(200, JSON_TYPE)
    return inPieces(response, `[{"a":1}\n,\r\n${body}\n]`)
  },
  masked: (response, { key }) => {
    const message = `Wrong key: ${key.slice(0, 24)}****, ****${key.slice(-14)}`
    response.writeHead(200, JSON_TYPE).end(JSON.stringify({ error: { message } }))
  },
  zipped: (response, { body }) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(body))
  },
  sauce: (response, { body }) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'secret-sauce' }).end(body)
  },
  redirect: (response, { key }) => {
    response.writeHead(302, { location: `/login?key=${encodeURIComponent(key)}` }).end(`<a href="/?${key}">Found</a>`)
  },
  broken: async (response, { body }) => {
    response.writeHead(401, { ...JSON_TYPE, 'content-length': '100000' })
    response.write(body)
    await nextTurn()
    response.destroy()
  },
  malformed: (response, { key, body }) => {
    response.socket?.end(`HTTP/1.1 401 ${key}\r\nwww authenticate ${key}\r\n\r\n${body}`)
  },
}

const JSON_TYPE = { 'content-type': 'application/json' }
const EVENTS = { 'content-type': 'text/event-stream' }
/** Headers that the gateway reads, passes on, or translates. */
const HEADERS = [
  'www-authenticate',
  'x-request-id',
  'request-id',
  'retry-after',
  'x-ratelimit-limit-requests',
  'x-ratelimit-reset-tokens',
  'anthropic-ratelimit-requests-remaining',
  'x-debug',
]

function inBody(response: ServerResponse, { body }: Said): void {
  response.writeHead(401, JSON_TYPE).end(body)
}

/** Returns an error of any of the providers, with the key as servers write it, and everything in the request. */
function errorBody(request: IncomingMessage): string {
  const key = keyOf(request)
  const message = `Wrong key: ${key} (Bearer ${key}, ?key=${encodeURIComponent(key)}, ${JSON.stringify(key)})`
  const error = {
    message,
    type: 'authentication_error',
    code: 401,
    status: key,
    param: key,
    details: [{ key, url: request.url, headers: request.headers }],
  }
  return JSON.stringify({ type: 'error', error, [key]: key }).replaceAll('/', '\\/')
}

/** Sends pieces that are too short to contain a key. */
async function inPieces(response: ServerResponse, whole: string): Promise<void> {
  for (let at = 0; at < whole.length; at += 9) {
    response.write(whole.slice(at, at + 9))
    await nextTurn()
  }
  response.end()
}

function modelResponse(response: ServerResponse, content: string, isStream: boolean): void {
  const head = { id: 'chatcmpl-1', created: 1, model: 'gpt-4o' }
  const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 }
  if (isStream) {
    const chunk = (rest: object) => `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...rest })}\n\n`
    const choices = [{ index: 0, delta: { role: 'assistant', content }, finish_reason: 'stop' }]
    response.writeHead(200, EVENTS)
    response.end(`${chunk({ choices })}${chunk({ choices: [], usage })}data: [DONE]\n\n`)
    return
  }
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
  response.writeHead(200, JSON_TYPE).end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
}

function keyOf({ headers }: IncomingMessage): string {
  const bearer = headers.authorization?.replace(/^Bearer /, '')
  return String(bearer ?? headers['x-api-key'] ?? headers['x-goog-api-key'] ?? '')
}
