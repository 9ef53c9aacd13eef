import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const MODEL = 'gpt-4o-mini-2024-07-18'
const ID = 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT'
const CREATED_AT_S = 1_741_569_952

const TEXT =
  'A sluice is a gate that holds back water and lets through just as much as the channel below can take. Opened by the ' +
  'breadth of a hand, what flows is the area of the opening, times the square root of twice the height of the water ' +
  'times gravity, less about a third that is lost at the edge.'

const USAGE = {
  prompt_tokens: 24,
  completion_tokens: 64,
  total_tokens: 88,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
}

/** A plain response of about 1 kB. */
const CHAT_COMPLETION = Buffer.from(
  JSON.stringify(
    {
      id: ID,
      object: 'chat.completion',
      created: CREATED_AT_S,
      model: MODEL,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: TEXT, refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: USAGE,
      service_tier: 'default',
      system_fingerprint: 'fp_06737a9306',
    },
    null,
    2,
  ),
)

/** The same response as a stream: 30 events, of which the first and the last have no text. */
const CHUNKS: readonly string[] = [
  chunk({ choices: [choice({ role: 'assistant', content: '', refusal: null })] }),
  ...textPieces(28).map((content) => chunk({ choices: [choice({ content })] })),
  chunk({ choices: [choice({}, 'stop')] }),
]

/** The event before `[DONE]` if usage was requested. */
const USAGE_CHUNK = chunk({ choices: [], usage: USAGE })

const RATE_LIMIT_HEADERS = {
  'openai-organization': 'org-sluice',
  'openai-processing-ms': '512',
  'openai-version': '2020-10-01',
  'x-ratelimit-limit-requests': '30000',
  'x-ratelimit-limit-tokens': '150000000',
  'x-ratelimit-remaining-requests': '29999',
  'x-ratelimit-remaining-tokens': '149999967',
  'x-ratelimit-reset-requests': '2ms',
  'x-ratelimit-reset-tokens': '0s',
} as const

function chunk(fields: object): string {
  const common = {
    id: ID,
    object: 'chat.completion.chunk',
    created: CREATED_AT_S,
    model: MODEL,
    service_tier: 'default',
    system_fingerprint: 'fp_06737a9306',
  }
  return `data: ${JSON.stringify({ ...common, ...fields })}\n\n`
}

function choice(delta: object, finishReason: 'stop' | null = null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason }
}

function textPieces(count: number): string[] {
  const length = Math.ceil(TEXT.length / count)
  return Array.from({ length: count }, (_, index) => TEXT.slice(index * length, (index + 1) * length))
}

/**
 * The provider that all compared proxies call: its own process on port `PORT`, which responds to chat completions as
 * OpenAI does, as fast as it can, and always the same.
 */
const server = createServer((request, response) => {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => respond(request, Buffer.concat(pieces), response))
})
// Longer than the time between two rounds of a proxy, so that its connections stay open.
server.keepAliveTimeout = 600_000
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.('ready'))
process.once('disconnect', () => process.exit())

let requests = 0

function respond(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  if (request.url !== '/v1/chat/completions' || request.headers.authorization !== `Bearer ${process.env.API_KEY}`) {
    response.writeHead(404).end()
    return
  }
  const headers = { ...RATE_LIMIT_HEADERS, 'x-request-id': `req_${(++requests).toString(16).padStart(32, '0')}` }
  const { stream, stream_options: options } = JSON.parse(body.toString())
  if (stream !== true) {
    const length = { 'content-type': 'application/json', 'content-length': CHAT_COMPLETION.length }
    response.writeHead(200, { ...headers, ...length }).end(CHAT_COMPLETION)
    return
  }
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' })
  const usage = options?.include_usage === true ? [USAGE_CHUNK] : []
  writeEach([...CHUNKS, ...usage, 'data: [DONE]\n\n'], response)
}

/**
 * Writes each chunk in its own turn of the event loop, and so in its own write to the socket, as tokens arrive one by
 * one.
 */
function writeEach([chunk, ...rest]: readonly string[], response: ServerResponse): void {
  if (chunk === undefined) {
    response.end()
    return
  }
  response.write(chunk)
  setImmediate(writeEach, rest, response)
}
