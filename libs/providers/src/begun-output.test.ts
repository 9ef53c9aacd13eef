import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { frame } from '../test/fixtures/aws-bedrock/frames.ts'
import { cut, pass } from '../test/fixtures/wire/pieces.ts'
import { providerAdapter } from './adapters.ts'
import type { ResponseReader } from './provider-adapter.ts'

/** Streams that report a usage before, or while, their output comes. */
type Json = Readonly<Record<string, unknown>>

const WORDS = Array.from({ length: 500 }, (_, at) => `word${at % 10}`)
/** As a meter of text counts {@link WORDS}. */
const WORD_TOKENS = (500 * 'word0'.length) / 4

const events = (messages: readonly Json[]) =>
  Buffer.from(messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''))
const chunk = (content: string, more: Json = {}): Json => ({ choices: [{ index: 0, delta: { content } }], ...more })
const frames = (messages: readonly (readonly [string, Json])[]) =>
  Buffer.concat(messages.map(([type, payload]) => frame('event', type, payload)))
const invoked = (chunks: readonly Json[]) =>
  frames(chunks.map((one) => ['chunk', { bytes: Buffer.from(JSON.stringify(one)).toString('base64') }]))
const text = (word: string): Json => ({ type: 'content_block_delta', delta: { type: 'text_delta', text: word } })
const start = (usage: Json, id?: string): Json => ({ type: 'message_start', message: { id, content: [], usage } })
const candidate = (word: string, usageMetadata?: Json): Json => ({
  candidates: [{ content: { parts: [{ text: word }] } }],
  ...(usageMetadata && { usageMetadata }),
})

interface Begun {
  readonly name: string
  readonly provider: ProviderId
  readonly path: string
  readonly body: Buffer
  readonly input: number | undefined
  readonly seen: number
}

const BEGUN: readonly Begun[] = [
  {
    name: 'a message of which the start counts 1',
    provider: 'anthropic',
    path: '/v1/messages',
    body: events([start({ input_tokens: 10, output_tokens: 1 }), ...WORDS.map(text)]),
    input: 10,
    seen: WORD_TOKENS,
  },
  {
    name: 'a message of a server that does not count its input',
    provider: 'anthropic',
    path: '/v1/messages',
    body: events([start({ input_tokens: 0, output_tokens: 1 }), ...WORDS.map(text)]),
    input: undefined,
    seen: WORD_TOKENS,
  },
  {
    name: 'a chat whose first chunk counts nothing',
    provider: 'openai',
    path: '/v1/chat/completions',
    body: events([
      chunk('', { usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } }),
      ...WORDS.map((word) => chunk(word)),
    ]),
    input: 10,
    seen: 501,
  },
  {
    name: 'a chat of which each chunk counts the first token',
    provider: 'openai',
    path: '/v1/chat/completions',
    body: events(WORDS.map((word) => chunk(word, { usage: { prompt_tokens: 10, completion_tokens: 1 } }))),
    input: 10,
    seen: 500,
  },
  {
    name: 'a chat that counted a part, as it went',
    provider: 'groq',
    path: '/openai/v1/chat/completions',
    body: events([
      chunk('', { x_groq: { usage: { prompt_tokens: 10, completion_tokens: 3 } } }),
      ...WORDS.map((word) => chunk(word)),
    ]),
    input: 10,
    seen: 501,
  },
  {
    name: 'a response that is created with a usage',
    provider: 'openai',
    path: '/v1/responses',
    body: events([
      { type: 'response.created', response: { usage: { input_tokens: 10, output_tokens: 1, total_tokens: 11 } } },
      ...WORDS.map((delta) => ({ type: 'response.output_text.delta', delta })),
    ]),
    input: 10,
    seen: 500,
  },
  {
    name: 'content of which each chunk counts the prompt alone',
    provider: 'google',
    path: '/v1beta/models/m:streamGenerateContent',
    body: events(WORDS.map((word) => candidate(word, { promptTokenCount: 10, totalTokenCount: 10 }))),
    input: 10,
    seen: WORD_TOKENS,
  },
  {
    name: 'content that is counted in its first chunk alone',
    provider: 'google',
    path: '/v1beta/models/m:streamGenerateContent',
    body: events([
      candidate('word0', { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 12 }),
      ...WORDS.slice(1).map((word) => candidate(word)),
    ]),
    input: 10,
    seen: Math.ceil(2 + (499 * 5) / 4),
  },
  {
    name: 'a conversation with early metadata',
    provider: 'aws-bedrock',
    path: '/model/m/converse-stream',
    body: frames([
      ['metadata', { usage: { inputTokens: 10, outputTokens: 1, totalTokens: 11 } }],
      ...WORDS.map((word) => ['contentBlockDelta', { delta: { text: word } }] as const),
    ]),
    input: 10,
    seen: WORD_TOKENS,
  },
  {
    name: 'an invocation of a model with the format of chats',
    provider: 'aws-bedrock',
    path: '/model/openai.gpt-oss-20b/invoke-with-response-stream',
    body: invoked([
      chunk('', { usage: { prompt_tokens: 10, completion_tokens: 1 } }),
      ...WORDS.map((word) => chunk(word)),
    ]),
    input: 10,
    seen: WORD_TOKENS,
  },
  {
    name: 'an invocation of a message',
    provider: 'aws-bedrock',
    path: '/model/anthropic.claude/invoke-with-response-stream',
    body: invoked([start({ input_tokens: 10, output_tokens: 1 }), ...WORDS.map(text)]),
    input: 10,
    seen: WORD_TOKENS,
  },
  {
    name: 'a stream of an unlisted path',
    provider: 'openai',
    path: '/v1/chats/stream',
    body: events([
      chunk('', { usage: { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 } }),
      ...WORDS.map((word) => chunk(word)),
    ]),
    input: 10,
    seen: 501,
  },
  {
    name: 'a message of an unlisted path',
    provider: 'openai',
    path: '/v1/messages',
    body: events([start({ input_tokens: 10, output_tokens: 1 }), ...WORDS.map(text)]),
    input: 10,
    seen: 501,
  },
]

describe('an output that has only begun is not reported', () => {
  it.each(BEGUN.map((one) => [one.name, one] as const))('%s', (_, { provider, path, body, input, seen }) => {
    for (const sizes of [[7, 100, 31], [1_000_000]]) {
      const reader = readerOf(provider, path)
      pass(reader, cut(body, sizes))
      expect(reader.usage).toBeUndefined()
      expect(reader.partialUsage?.inputTokens).toBe(input)
      expect(reader.partialUsage?.outputTokens).toBeUndefined()
      expect(reader.outputTokensSeen).toBe(seen)
    }
  })

  it('is the reservation where nothing has been streamed', () => {
    const reader = readerOf('anthropic', '/v1/messages')
    pass(reader, [events([start({ input_tokens: 10, output_tokens: 1 })])])
    expect([reader.usage, reader.outputTokensSeen]).toEqual([undefined, 0])
  })

  it('reports all where a report follows', () => {
    const end = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 612 } }
    const reader = readerOf('anthropic', '/v1/messages')
    pass(reader, [events([start({ input_tokens: 10, output_tokens: 1 }), ...WORDS.map(text), end])])
    expect(reader.usage).toMatchObject({ inputTokens: 10, outputTokens: 612 })
  })

  it('counts a chat with a usage in every chunk by the last one', () => {
    const reader = readerOf('openai', '/v1/chat/completions')
    const chunks = WORDS.map((word, at) => chunk(word, { usage: { prompt_tokens: 10, completion_tokens: 2 * at } }))
    pass(reader, [events([...chunks, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }])])
    expect(reader.usage).toMatchObject({ inputTokens: 10, outputTokens: 998 })
  })

  it('adds up messages without names that follow one another, and waits for the report of the last', () => {
    const end = { type: 'message_delta', usage: { output_tokens: 7 } }
    const first = [start({ input_tokens: 10, output_tokens: 1 }), text('word'), end]
    const reader = readerOf('anthropic', '/v1/messages')
    reader.push(events([...first, start({ input_tokens: 20, output_tokens: 1 })]))
    expect(reader.usage).toBeUndefined()
    reader.push(events([text('word'), end]))
    expect(reader.usage).toMatchObject({ inputTokens: 30, outputTokens: 14 })
  })
})

describe('choices with a usage each', () => {
  const usage = (prompt: number, completion: number) => ({ prompt_tokens: prompt, completion_tokens: completion })
  const choices = [
    { index: 0, message: {}, usage: usage(10, 20) },
    { index: 1, message: {}, usage: usage(10, 30) },
    { index: 2, message: {}, usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 50 } },
  ]

  it.each([
    ['/v1/chat/completions', { choices }],
    ['/v1/chat/completions', { choices, usage: usage(0, 0) }],
    ['/v1/chat/completions', { choices, usage: usage(10, 90) }],
    ['/v1/something', { choices }],
  ])('share their prompt, and add up: %s', (path, document) => {
    const reader = readerOf('openai', path)
    pass(reader, [Buffer.from(JSON.stringify(document))])
    expect(reader.usage).toMatchObject({ inputTokens: 10, outputTokens: 90 })
  })

  it.each(['/v1/chat/completions', '/v1/something'])('add up in a stream: %s', (path) => {
    const reader = readerOf('openai', path)
    const chunks = choices.flatMap((choice) => [
      { choices: [{ ...choice, delta: {}, usage: usage(10, 2) }] },
      { choices: [{ ...choice, delta: {} }] },
    ])
    pass(reader, [events(chunks)])
    expect(reader.usage).toMatchObject({ inputTokens: 10, outputTokens: 90 })
  })
})

describe('the highest report counts', () => {
  it.each([
    [
      {
        usage: { prompt_tokens: 0, completion_tokens: 0 },
        choices: [{ usage: { prompt_tokens: 9, completion_tokens: 5 } }],
      },
    ],
    [
      {
        usage: { prompt_tokens: 9, completion_tokens: 1 },
        x_groq: { usage: { prompt_tokens: 9, completion_tokens: 5 } },
      },
    ],
  ])('wherever it stands: %j', (document) => {
    const plain = readerOf('openai', '/v1/chat/completions')
    pass(plain, [Buffer.from(JSON.stringify(document))])
    const streamed = readerOf('openai', '/v1/chat/completions')
    pass(streamed, [events([document])])
    for (const { usage } of [plain, streamed]) expect(usage).toMatchObject({ inputTokens: 9, outputTokens: 5 })
  })
})

describe('totals', () => {
  it.each([
    ['anthropic', '/v1/messages', { input_tokens: 10, output_tokens: 2, total_tokens: 312 }, 10, 302],
    ['aws-bedrock', '/model/m/converse', { inputTokens: 10, outputTokens: 2, totalTokens: 312 }, 10, 302],
    ['aws-bedrock', '/model/m/converse', { outputTokens: 2, totalTokens: 312 }, 310, 2],
    [
      'aws-bedrock',
      '/model/m/converse',
      { inputTokens: 10, outputTokens: 2, totalTokens: 42, cacheReadInputTokens: 30 },
      40,
      2,
    ],
    ['aws-bedrock', '/model/m/invoke', { input_tokens: 10, output_tokens: 2, total_tokens: 312 }, 10, 302],
  ] as const)('are a floor: %s %s %j', (provider, path, usage, inputTokens, outputTokens) => {
    const reader = readerOf(provider, path)
    pass(reader, [Buffer.from(JSON.stringify({ type: 'message', usage }))])
    expect(reader.usage).toMatchObject({ inputTokens, outputTokens })
  })

  it.each([
    [{ prompt_tokens: 20, completion_tokens: 9, total_tokens: 29, cached_tokens: 1_000 }, [20, 9, 20, 0]],
    [{ prompt_tokens: 20, completion_tokens: 9, cached_tokens: 1_000 }, [1_020, 9, 1_000, 0]],
    [{ prompt_tokens: 20, completion_tokens: 9, total_tokens: 1_029, cached_tokens: 1_000 }, [1_020, 9, 1_000, 0]],
    [{ prompt_tokens: 20, completion_tokens: 9, total_tokens: 29, reasoning_tokens: 70 }, [20, 9, 0, 9]],
    [{ prompt_tokens: 20, completion_tokens: 9, total_tokens: 99, reasoning_tokens: 70 }, [20, 79, 0, 70]],
    [
      { prompt_tokens: 7, completion_tokens: 900, total_tokens: 907, citation_tokens: 300, reasoning_tokens: 7_500 },
      [307, 8_400, 0, 7_500],
    ],
  ])('say whether a part is within its whole: %j', (usage, stated) => {
    const reader = readerOf('openai', '/v1/chat/completions')
    pass(reader, [Buffer.from(JSON.stringify({ choices: [], usage }))])
    const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = reader.usage ?? {}
    expect([inputTokens, outputTokens, cachedInputTokens, reasoningTokens]).toEqual(stated)
  })

  it.each([
    [{ promptTokenCount: 20, candidatesTokenCount: 9, thoughtsTokenCount: 4, totalTokenCount: 29 }, [20, 9]],
    [{ promptTokenCount: 20, candidatesTokenCount: 9, thoughtsTokenCount: 4, totalTokenCount: 33 }, [20, 13]],
    [{ promptTokenCount: 20, candidatesTokenCount: 9, thoughtsTokenCount: 4 }, [20, 13]],
    [{ promptTokenCount: 20, candidatesTokenCount: 9, toolUsePromptTokenCount: 5, totalTokenCount: 29 }, [20, 9]],
    [{ promptTokenCount: 20, candidatesTokenCount: 9, cachedContentTokenCount: 90, totalTokenCount: 29 }, [20, 9]],
  ])('say whether thoughts and tools are within the counts of content: %j', (usageMetadata, stated) => {
    const reader = readerOf('google', '/v1beta/models/m:generateContent')
    pass(reader, [Buffer.from(JSON.stringify({ usageMetadata }))])
    expect([reader.usage?.inputTokens, reader.usage?.outputTokens]).toEqual(stated)
  })
})

describe('errors that came with 200', () => {
  const CHAT = ['openai', '/v1/chat/completions'] as const
  const MESSAGES = ['anthropic', '/v1/messages'] as const
  const CONTENT = ['google', '/v1beta/models/m:generateContent'] as const
  it.each([
    [...CHAT, '{"error":"Too many requests","code":429}', 429],
    [...CHAT, '{"error":"Too many requests"}', 429],
    [...CHAT, '{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":1},"error":{"code":429}}', 429],
    [...CHAT, '{"choices":[{"finish_reason":"error"}],"usage":{"prompt_tokens":4,"completion_tokens":1}}', 500],
    [...CHAT, 'data: {"choices":[{"delta":{},"finish_reason":"error"}]}\n\n', 500],
    ['groq', '/openai/v1/chat/completions', 'data: {"choices":[],"x_groq":{"error":"Rate limit"}}\n\n', 429],
    [...CHAT, 'event: error\ndata: {"message":"busy","code":429}\n\n', 429],
    [...CHAT, 'data: {"message":"busy","code":429}\nevent:error\n\n', 429],
    [...CHAT, 'id: 1\nevent: error\ndata: busy\n\n', 500],
    [...MESSAGES, '{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', 429],
    [...MESSAGES, '{"error":{"type":"overloaded_error"}}', 529],
    [...MESSAGES, 'event: error\ndata: {"type":"rate_limit_error","message":"x"}\n\n', 429],
    [...MESSAGES, 'data: {"error":{"type":"rate_limit_error"}}\n\n', 429],
    [...CONTENT, '{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}', 429],
    [...CONTENT, '{"error":"Too many requests","code":429}', 429],
    ['google', '/v1beta/models/m:embedContent', '{"error":{"code":503}}', 503],
    ['google', '/v1beta/models/m:streamGenerateContent', '{"error":{"code":429}}', 429],
    ['google', '/v1beta/models/m:streamGenerateContent', 'event: error\ndata: {"code":429}\n\n', 429],
    ['aws-bedrock', '/model/m/invoke', '{"error":{"code":429}}', 429],
    ['aws-bedrock', '/model/m/converse', '{"__type":"com.amazon#ThrottlingException","message":"x"}', 429],
    ['openai', '/v1/something', 'event: error\ndata: {"code":429}\n\n', 429],
  ] as const)('have their status: %s %s %s', (provider, path, body, status) => {
    const reader = readerOf(provider, path)
    pass(reader, [Buffer.from(body)])
    expect(reader.errorStatus).toBe(status)
  })

  it.each([
    [...CHAT, '{"choices":[],"error":null}'],
    [...CHAT, '{"choices":[{"error":null}],"error":{"code":null,"message":null}}'],
    [...CHAT, 'event: errors\ndata: {"choices":[],"x_groq":{"error":null}}\n\n'],
    [...MESSAGES, '{"type":"message","content":[{"type":"tool_use","input":{"error":"none"}}]}'],
    [...CONTENT, '{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"error":{"code":429}}}}]}}]}'],
  ] as const)('are none where nothing says so: %s %s %s', (provider, path, body) => {
    const reader = readerOf(provider, path)
    pass(reader, [Buffer.from(body)])
    expect(reader.errorStatus).toBeUndefined()
  })
})

describe('plain invocations', () => {
  it.each([
    ['openai.gpt-oss-120b-1:0', true],
    ['meta.llama3-70b-instruct-v1:0', true],
    ['amazon.titan-text-express-v1', true],
    ['amazon.titan-embed-text-v2:0', false],
    ['amazon.nova-canvas-v1:0', false],
    ['stability.sd3-5-large-v1:0', false],
    ['cohere.rerank-v3-5:0', false],
  ])('of %s report usage: %s', (model, reports) => {
    expect(readerOf('aws-bedrock', `/model/${model}/invoke`).reportsUsage).toBe(reports)
  })

  it('of Titan count each result', () => {
    const reader = readerOf('aws-bedrock', '/model/amazon.titan-text-express-v1/invoke')
    const results = [{ tokenCount: 30, outputText: 'a' }, { tokenCount: 4 }]
    pass(reader, [Buffer.from(JSON.stringify({ inputTextTokenCount: 12, results }))])
    expect(reader.usage).toMatchObject({ inputTokens: 12, outputTokens: 34 })
  })

  it('in the format of chats include cached tokens in the prompt', () => {
    const reader = readerOf('aws-bedrock', '/model/openai.gpt-oss-120b-1:0/invoke')
    const usage = { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 64 } }
    pass(reader, [Buffer.from(JSON.stringify({ choices: [], usage }))])
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 5, cachedInputTokens: 64 })
  })
})

describe('usage that the gateway requested', () => {
  const hidden = { model: 'm', messages: [], stream: true }
  const one = '{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
  const usage = '"usage":{"prompt_tokens":4,"completion_tokens":1}'

  it.each([
    ['without choices', `data: {${usage}}\n\n`],
    ['with null for choices', `data: {"choices":null,${usage}}\n\n`],
    ['on several lines', `data: {"choices":[],\ndata: ${usage}}\n\n`],
  ])('is not shown %s', (_, block) => {
    const reader = readerOf('openai', '/v1/chat/completions', hidden)
    expect(pass(reader, [Buffer.from(`data: ${one}\n\n${block}data: [DONE]\n\n`)]).toString()).toBe(
      `data: ${one}\n\ndata: [DONE]\n\n`,
    )
    expect(reader.usage).toMatchObject({ inputTokens: 4, outputTokens: 1 })
  })

  it.each([[[1]], [[2]], [[3, 1]], [[1_000]]])(
    'is taken out of lines that end with CR alone, in pieces of %j',
    (sizes) => {
      const reader = readerOf('openai', '/v1/chat/completions', hidden)
      const stream = (more: string) => `: hi\rdata: ${one}\r\revent: x\rdata: ${one}\r\r${more}data: [DONE]\r\r`
      const passed = pass(reader, cut(Buffer.from(stream(`data: {"choices":[],${usage}}\r\r`)), sizes))
      expect(passed.toString()).toBe(stream(''))
      expect(reader.usage).toMatchObject({ inputTokens: 4, outputTokens: 1 })
    },
  )
})

it("reads the end of a stream of Cohere's own", () => {
  const reader = readerOf('openai', '/v1/chat')
  const end = { billed_units: { input_tokens: 3, output_tokens: 4 }, tokens: { input_tokens: 70, output_tokens: 5 } }
  const delta = { finish_reason: 'COMPLETE', usage: end }
  pass(reader, [
    events([
      { type: 'content-delta', delta: {} },
      { type: 'message-end', delta },
    ]),
  ])
  expect(reader.usage).toMatchObject({ inputTokens: 70, outputTokens: 5 })
})

function readerOf(provider: ProviderId, path: string, request: Json = { model: 'm' }): ResponseReader {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path)
  if (operation === undefined) throw new Error(`no operation at ${path}`)
  return adapter.responseReader(operation, adapter.inspect(operation, request, 100))
}
