import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { frame } from '../test/fixtures/aws-bedrock/frames.ts'
import { cut, pass } from '../test/fixtures/wire/pieces.ts'
import { providerAdapter } from './adapters.ts'
import type { WireHeaders } from './wire/headers.ts'

/**
 * The reports of usage that servers document: each report in each form that its kind of API gives
 * it. What the adapters read while the body passes by, in pieces, is compared with the counts that are stated here, and
 * with a reader that takes the whole body apart at once and knows of each server which fields its documentation adds
 * up: it guesses nothing, and no rule of the adapters is in it. Streams that only begin to report their output are in
 * `begun-output.test.ts`.
 */
type Json = Readonly<Record<string, unknown>>
type Counted = readonly [inputTokens: number, outputTokens: number]

interface Shape {
  readonly name: string
  readonly provider: ProviderId
  readonly path: string
  readonly request: Json
  readonly body: Buffer
  readonly headers?: WireHeaders
  readonly family: Family
  readonly stated: Counted
  /** The fields that make input and output, where the server differs from its family's original. */
  readonly rule?: Rule
}

/** @param count the highest value of a field, anywhere in a usage */
type Rule = (count: (...names: readonly string[]) => number) => Counted

type Family = 'openai' | 'anthropic' | 'google' | 'converse' | 'bare'

const SIZES = [[1], [3, 2], [7, 100, 31], [4_096], [1_000_000]]

// Reports of chat completions, by server.

// Which fields count, by the documentation of each server.

const REASONING_BESIDE: Rule = (count) => [
  count('prompt_tokens'),
  count('completion_tokens') + count('reasoning_tokens'),
]
const REST_IS_OUTPUT: Rule = (count) => [count('prompt_tokens'), count('total_tokens') - count('prompt_tokens')]
const REST_IS_INPUT: Rule = (count) => [count('total_tokens') - count('completion_tokens'), count('completion_tokens')]
const RESEARCH: Rule = (count) => [
  count('prompt_tokens') + count('citation_tokens'),
  count('completion_tokens') + count('reasoning_tokens'),
]
const CACHE_BESIDE: Rule = (count) => [count('prompt_tokens') + count('cached_tokens'), count('completion_tokens')]
const RESPONSE_WORDS: Rule = (count) => [count('input_tokens'), count('output_tokens')]

const CHAT_REPORTS: readonly (readonly [server: string, usage: Json, stated: Counted, rule?: Rule])[] = [
  ['OpenAI', { prompt_tokens: 19, completion_tokens: 10, total_tokens: 29 }, [19, 10]],
  [
    'OpenAI, reasoning within the completion',
    {
      prompt_tokens: 75,
      completion_tokens: 1_186,
      total_tokens: 1_261,
      prompt_tokens_details: { cached_tokens: 64, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 1_024, accepted_prediction_tokens: 0 },
    },
    [75, 1_186],
  ],
  [
    'Azure',
    { completion_tokens: 33, prompt_tokens: 86, prompt_tokens_details: { cached_tokens: 0 }, total_tokens: 119 },
    [86, 33],
  ],
  [
    'xAI, reasoning beside the completion',
    {
      prompt_tokens: 37,
      completion_tokens: 12,
      total_tokens: 370,
      prompt_tokens_details: { text_tokens: 37, cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 321 },
      num_sources_used: 0,
    },
    [37, 333],
    REASONING_BESIDE,
  ],
  [
    'xAI, without a total',
    { prompt_tokens: 37, completion_tokens: 12, completion_tokens_details: { reasoning_tokens: 321 } },
    [37, 333],
    REASONING_BESIDE,
  ],
  ['xAI, without reasoning', { prompt_tokens: 41, completion_tokens: 9, total_tokens: 50 }, [41, 9]],
  ['Gemini, thinking', { prompt_tokens: 11, completion_tokens: 8, total_tokens: 391 }, [11, 380], REST_IS_OUTPUT],
  [
    'Gemini, nothing but thoughts',
    { prompt_tokens: 11, completion_tokens: 0, total_tokens: 71 },
    [11, 60],
    REST_IS_OUTPUT,
  ],
  ['Gemini, no completion', { prompt_tokens: 11, total_tokens: 71 }, [11, 60], REST_IS_OUTPUT],
  ['Mistral', { prompt_tokens: 16, total_tokens: 50, completion_tokens: 34 }, [16, 34]],
  [
    'Mistral, audio',
    { prompt_audio_seconds: 15, prompt_tokens: 6, total_tokens: 600, completion_tokens: 30 },
    [570, 30],
    REST_IS_INPUT,
  ],
  [
    'Mistral, no audio',
    { prompt_audio_seconds: null, prompt_tokens: 6, total_tokens: 36, completion_tokens: 30 },
    [6, 30],
  ],
  [
    'Mistral, empty audio',
    { prompt_audio_seconds: {}, prompt_tokens: 6, total_tokens: 36, completion_tokens: 30 },
    [6, 30],
  ],
  [
    'DeepSeek',
    {
      prompt_tokens: 512,
      completion_tokens: 40,
      total_tokens: 552,
      prompt_cache_hit_tokens: 448,
      prompt_cache_miss_tokens: 64,
    },
    [512, 40],
  ],
  [
    'DeepSeek, reasoning',
    {
      prompt_tokens: 18,
      completion_tokens: 260,
      total_tokens: 278,
      completion_tokens_details: { reasoning_tokens: 240 },
      prompt_cache_hit_tokens: 0,
      prompt_cache_miss_tokens: 18,
    },
    [18, 260],
  ],
  ['Moonshot', { prompt_tokens: 30, completion_tokens: 14, total_tokens: 44, cached_tokens: 24 }, [30, 14]],
  [
    'OpenRouter',
    {
      prompt_tokens: 2_000,
      completion_tokens: 50,
      total_tokens: 2_050,
      cost: 0.0105,
      is_byok: false,
      prompt_tokens_details: { cached_tokens: 1_500, cache_write_tokens: 400 },
      cost_details: { upstream_inference_cost: null },
      completion_tokens_details: { reasoning_tokens: 0, image_tokens: 0 },
    },
    [2_000, 50],
  ],
  ['vLLM', { prompt_tokens: 22, total_tokens: 42, completion_tokens: 20, prompt_tokens_details: null }, [22, 20]],
  ['Ollama', { prompt_tokens: 26, completion_tokens: 283, total_tokens: 309 }, [26, 283]],
  ['llama.cpp', { completion_tokens: 64, prompt_tokens: 31, total_tokens: 95 }, [31, 64]],
  ['Together', { prompt_tokens: 27, completion_tokens: 101, total_tokens: 128, cached_tokens: 0 }, [27, 101]],
  [
    'Fireworks',
    { prompt_tokens: 24, total_tokens: 65, completion_tokens: 41, prompt_tokens_details: { cached_tokens: 16 } },
    [24, 41],
  ],
  [
    'Perplexity',
    {
      prompt_tokens: 14,
      completion_tokens: 380,
      total_tokens: 394,
      search_context_size: 'low',
      cost: { total_cost: 0.006, input_tokens_cost: 0.0001 },
    },
    [14, 380],
  ],
  [
    'Perplexity, research',
    {
      prompt_tokens: 7,
      completion_tokens: 900,
      total_tokens: 907,
      citation_tokens: 3_000,
      num_search_queries: 12,
      reasoning_tokens: 7_500,
    },
    [3_007, 8_400],
    RESEARCH,
  ],
  ['Cohere', { prompt_tokens: 4, completion_tokens: 12, total_tokens: 16 }, [4, 12]],
  [
    'Groq',
    {
      queue_time: 0.037,
      prompt_tokens: 18,
      prompt_time: 0.0006,
      completion_tokens: 556,
      completion_time: 0.463,
      total_tokens: 574,
      total_time: 0.4639,
    },
    [18, 556],
  ],
  [
    'Cerebras',
    { prompt_tokens: 21, completion_tokens: 5, total_tokens: 26, prompt_tokens_details: { cached_tokens: 0 } },
    [21, 5],
  ],
  [
    'SambaNova',
    { completion_tokens: 22, prompt_tokens: 55, total_tokens: 77, total_tokens_per_sec: 201.7, is_last_response: true },
    [55, 22],
  ],
  [
    'LiteLLM, Anthropic',
    {
      prompt_tokens: 1_020,
      completion_tokens: 9,
      total_tokens: 1_029,
      cache_read_input_tokens: 1_000,
      cache_creation_input_tokens: 0,
      prompt_tokens_details: { cached_tokens: 1_000 },
    },
    [1_020, 9],
  ],
  [
    'a cache beside the prompt',
    { prompt_tokens: 20, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 1_000 } },
    [1_020, 9],
    CACHE_BESIDE,
  ],
  ['counts as text', { prompt_tokens: '19', completion_tokens: '10', total_tokens: '29' }, [19, 10]],
  ['counts as fractions', { prompt_tokens: 19.0, completion_tokens: 9.5, total_tokens: 28.5 }, [19, 10]],
  ['words of responses', { input_tokens: 19, output_tokens: 10, total_tokens: 29 }, [19, 10], RESPONSE_WORDS],
  [
    'both words, of which one does not count',
    { prompt_tokens: 0, completion_tokens: 0, input_tokens: 19, output_tokens: 10 },
    [19, 10],
    RESPONSE_WORDS,
  ],
  ['a total alone', { total_tokens: 29 }, [29, 0], REST_IS_INPUT],
  ['no prompt', { completion_tokens: 10, total_tokens: 29 }, [19, 10], REST_IS_INPUT],
  ['a prompt of zero', { prompt_tokens: 0, completion_tokens: 10, total_tokens: 29 }, [19, 10], REST_IS_INPUT],
  [
    'a cache larger than the prompt, which the total contradicts',
    { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29, prompt_tokens_details: { cached_tokens: 1_000 } },
    [20, 9],
  ],
]

const TEXT = 'naïve 🙂 \n\n"usage":{"prompt_tokens":999}, data: [DONE] }]'
const TOOLS = Array.from({ length: 12 }, () => ({
  function: { parameters: { properties: { usage: { prompt_tokens: 777 }, delta: {} } } },
}))

type Form = (usage: Json) => string
const chunk = (more: Json, content = TEXT): Json => ({
  id: 'c',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...more,
})
const last = (more: Json = {}): Json => ({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...more }] })
const events = (messages: readonly unknown[], end = '\n'): string =>
  messages
    .map((message) => `data: ${typeof message === 'string' ? message : JSON.stringify(message)}${end}${end}`)
    .join('')
/** The report of a server that counts as it goes: a part of the final counts. */
const part = (usage: Json): Json =>
  Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [name, typeof value === 'number' ? Math.floor(value / 2) : null]),
  )
const zeros = (usage: Json): Json => Object.fromEntries(Object.keys(usage).map((name) => [name, 0]))

const CHAT_FORMS: readonly (readonly [form: string, streamed: boolean, write: Form])[] = [
  [
    'plain',
    false,
    (usage) => JSON.stringify({ choices: [{ message: { content: TEXT }, finish_reason: 'stop' }], usage, x: [] }),
  ],
  [
    'plain, laid out, the usage first',
    false,
    (usage) =>
      `\r\n \ufeff${JSON.stringify({ usage, choices: [{ message: { content: TEXT }, logprobs: null }] }, null, 2)}\n`,
  ],
  [
    'plain, repeating tools after it',
    false,
    (usage) => JSON.stringify({ choices: [{ message: { content: TEXT } }], usage, tools: TOOLS }),
  ],
  [
    'streamed, the usage by itself',
    true,
    (usage) => events([chunk({ usage: null }), last(), { choices: [], usage }, '[DONE]']),
  ],
  [
    'streamed, the usage in the last chunk, lines ended as on Windows',
    true,
    (usage) => `: comment\r\n\r\n${events([chunk({}), { ...last(), usage }], '\r\n')}`,
  ],
  [
    'streamed, counting as it goes, with zeros after it',
    true,
    (usage) =>
      `\ufeff${events([chunk({ usage: part(usage) }), { ...last(), usage }, { choices: [], usage: zeros(usage) }, '[DONE]'])}`,
  ],
  ['streamed, in a choice', true, (usage) => events([chunk({ usage: null }), { ...last({ usage }) }, '[DONE]'])],
  [
    'streamed, in x_groq',
    true,
    (usage) => events([chunk({ x_groq: { id: 'r' } }), { ...last(), x_groq: { id: 'r', usage } }]),
  ],
  [
    'streamed, over several data lines',
    true,
    (usage) => `event: chunk\ndata: {"choices":[],\ndata: "usage":${JSON.stringify(usage)}}\n\ndata: [DONE]`,
  ],
]

const chatShapes = CHAT_REPORTS.flatMap(([server, usage, stated, rule]) =>
  CHAT_FORMS.flatMap(([form, streamed, write]): Shape[] => {
    const provider = form.includes('x_groq') ? 'groq' : 'openai'
    return [
      {
        name: `${server}: ${form}`,
        provider,
        path: provider === 'groq' ? '/openai/v1/chat/completions' : '/v1/chat/completions',
        request: { model: 'm', messages: [], stream: streamed },
        body: Buffer.from(write(usage)),
        family: 'openai',
        stated,
        ...(rule && { rule }),
      },
    ]
  }),
)

const openAi = (
  name: string,
  path: string,
  body: string,
  stated: Counted,
  request: Json = {},
  rule: Rule = RESPONSE_WORDS,
): Shape => ({
  name,
  provider: 'openai',
  path,
  request: { model: 'm', ...request },
  body: Buffer.from(body),
  family: 'openai',
  stated,
  rule,
})
/** Embeddings and rankings have no output. */
const INPUT_ALONE: Rule = (count) => [Math.max(count('prompt_tokens'), count('total_tokens')), 0]
const CHOICES = [
  { index: 0, usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } },
  { index: 1, usage: { prompt_tokens: 10, completion_tokens: 34, total_tokens: 44 } },
]
/** Each choice has its own completion of the prompt that they share. */
const BY_CHOICE: Rule = (count) => [count('prompt_tokens'), 20 + 34]
const CHAT_WORDS: Rule = (count) => [count('prompt_tokens'), count('completion_tokens')]
const RESPONSE_USAGE = {
  input_tokens: 328,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 52,
  output_tokens_details: { reasoning_tokens: 40 },
  total_tokens: 380,
}
const VECTORS = Array.from({ length: 2_000 }, (_, index) => ({
  index,
  embedding: Array.from({ length: 20 }, () => 0.12345),
}))
const otherShapes: readonly Shape[] = [
  openAi(
    'a response',
    '/v1/responses',
    JSON.stringify({ output: [], tools: TOOLS, usage: RESPONSE_USAGE, user: null }),
    [328, 52],
  ),
  openAi(
    'a compaction',
    '/v1/responses/compact',
    JSON.stringify({ object: 'response.compaction', usage: RESPONSE_USAGE }),
    [328, 52],
  ),
  openAi(
    'a streamed response',
    '/v1/responses',
    events([
      { type: 'response.created', response: { usage: null, error: null, tools: TOOLS } },
      { type: 'response.output_text.delta', delta: TEXT },
      { type: 'response.completed', response: { output: [], error: null, usage: RESPONSE_USAGE, tools: TOOLS } },
    ]),
    [328, 52],
    { stream: true },
  ),
  openAi(
    'a streamed response that is not complete',
    '/v1/responses',
    events([{ type: 'response.incomplete', response: { status: 'incomplete', usage: RESPONSE_USAGE } }]),
    [328, 52],
    { stream: true },
  ),
  openAi(
    'embeddings',
    '/v1/embeddings',
    JSON.stringify({ data: [], usage: { prompt_tokens: 8, total_tokens: 8 } }),
    [8, 0],
    {},
    INPUT_ALONE,
  ),
  openAi(
    'embeddings that report their prompt alone',
    '/v1/embeddings',
    '{"data":[],"usage":{"prompt_tokens":8}}',
    [8, 0],
    {},
    INPUT_ALONE,
  ),
  openAi(
    'embeddings that report a total alone',
    '/v1/embeddings',
    '{"data":[],"usage":{"total_tokens":8}}',
    [8, 0],
    {},
    INPUT_ALONE,
  ),
  openAi('two choices', '/v1/chat/completions', JSON.stringify({ choices: CHOICES }), [10, 54], {}, BY_CHOICE),
  openAi(
    'two choices as a stream',
    '/v1/chat/completions',
    events(CHOICES.map((choice) => ({ choices: [{ ...choice, delta: {}, finish_reason: 'stop' }] }))),
    [10, 54],
    { stream: true },
    BY_CHOICE,
  ),
  openAi(
    'many embeddings',
    '/v1/embeddings',
    JSON.stringify({ data: VECTORS, usage: { prompt_tokens: 8, total_tokens: 8 } }),
    [8, 0],
    {},
    INPUT_ALONE,
  ),
  openAi(
    'many embeddings after their usage',
    '/v1/embeddings',
    JSON.stringify({ object: 'list', usage: { prompt_tokens: 8, total_tokens: 8 }, data: VECTORS }),
    [8, 0],
    {},
    INPUT_ALONE,
  ),
  openAi(
    'a completion as a stream',
    '/v1/completions',
    events([
      { choices: [{ text: TEXT }], usage: null },
      { choices: [], usage: { prompt_tokens: 5, completion_tokens: 7 } },
    ]),
    [5, 7],
    { stream: true },
    CHAT_WORDS,
  ),
  openAi(
    'an image',
    '/v1/images/generations',
    JSON.stringify({ data: [], usage: { input_tokens: 50, output_tokens: 1_056, total_tokens: 1_106 } }),
    [50, 1_056],
  ),
  openAi(
    'a transcription as a stream',
    '/v1/audio/transcriptions',
    events([
      {
        type: 'transcript.text.done',
        text: 'x',
        usage: { type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 },
      },
    ]),
    [14, 45],
  ),
  openAi(
    'a reranking of an unknown path',
    '/v1/rerank',
    '{"results":[],"usage":{"prompt_tokens":70,"total_tokens":70}}',
    [70, 0],
    {},
    INPUT_ALONE,
  ),
  {
    ...openAi(
      "Ollama's own chat, line by line",
      '/v1/api/chat',
      '{"message":{"content":"a"},"done":false}\n{"done":true,"prompt_eval_count":26,"eval_count":298}\n',
      [26, 298],
      {},
      (count) => [count('prompt_eval_count'), count('eval_count')],
    ),
    family: 'bare',
  },
  {
    ...openAi(
      "llama.cpp's own completion",
      '/v1/completion',
      '{"content":"a","tokens_predicted":64,"tokens_evaluated":31}',
      [31, 64],
      {},
      (count) => [count('tokens_evaluated'), count('tokens_predicted')],
    ),
    family: 'bare',
  },
]

// Reports of messages: what a plain one has, of which the stream's start has a part.

const MESSAGE_REPORTS: readonly (readonly [name: string, usage: Json, stated: Counted])[] = [
  ['text', { input_tokens: 25, output_tokens: 15 }, [25, 15]],
  [
    'a cache read and written',
    {
      input_tokens: 21,
      cache_creation_input_tokens: 188,
      cache_read_input_tokens: 1_800,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 88 },
      output_tokens: 393,
      service_tier: 'standard',
    },
    [2_009, 393],
  ],
  [
    'a cache written, by age alone',
    { input_tokens: 21, cache_creation: { ephemeral_1h_input_tokens: 88 }, output_tokens: 3 },
    [109, 3],
  ],
  ['all input cached', { input_tokens: 0, cache_read_input_tokens: 900, output_tokens: 3 }, [900, 3]],
  ['thinking', { input_tokens: 40, output_tokens: 700, output_tokens_details: { thinking_tokens: 650 } }, [40, 700]],
  ['nulls', { input_tokens: 40, output_tokens: 7, cache_read_input_tokens: null, iterations: null }, [40, 7]],
  [
    'a compaction',
    {
      input_tokens: 60,
      output_tokens: 9,
      iterations: [
        { type: 'compaction', input_tokens: 70_000, output_tokens: 900, cache_read_input_tokens: 11 },
        { type: 'message', input_tokens: 60, output_tokens: 9 },
      ],
    },
    [70_071, 909],
  ],
  [
    'an advisor',
    {
      input_tokens: 60,
      output_tokens: 9,
      iterations: [
        { type: 'message', input_tokens: 60, output_tokens: 9 },
        { type: 'advisor_message', model: 'other', input_tokens: 800, output_tokens: 200 },
      ],
    },
    [860, 209],
  ],
  [
    'a fallback, whose first try is in no count',
    {
      input_tokens: 61,
      output_tokens: 90,
      iterations: [
        { type: 'message', model: 'first', input_tokens: 60, output_tokens: 33 },
        { type: 'fallback_message', model: 'second', input_tokens: 61, output_tokens: 90 },
      ],
    },
    [121, 123],
  ],
  [
    "a server's tools, whose turns are in the counts",
    {
      input_tokens: 300,
      output_tokens: 50,
      server_tool_use: { web_search_requests: 2 },
      iterations: [
        { type: 'message', input_tokens: 100, output_tokens: 20 },
        { type: 'message', input_tokens: 200, output_tokens: 30 },
      ],
    },
    [300, 50],
  ],
  [
    'more iterations than anybody expects',
    {
      input_tokens: 400,
      output_tokens: 400,
      iterations: Array.from({ length: 400 }, (_, index) => ({
        type: index % 2 === 0 ? 'message' : 'compaction',
        input_tokens: 2,
        output_tokens: 2,
      })),
    },
    [800, 800],
  ],
]

const messageEvents = (start: Json, deltas: readonly Json[]): string => {
  const messages = [
    { type: 'message_start', message: { id: 'm', content: [], usage: start } },
    { type: 'ping' },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: TEXT } },
    { type: 'content_block_stop', index: 0 },
    ...deltas.map((usage) => ({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage })),
    { type: 'message_stop' },
  ]
  return messages.map((message) => `event: ${message.type}\ndata: ${JSON.stringify(message)}\n\n`).join('')
}
const MESSAGE_FORMS: readonly (readonly [form: string, streamed: boolean, write: Form])[] = [
  ['plain', false, (usage) => JSON.stringify({ type: 'message', content: [{ type: 'text', text: TEXT }], usage })],
  ['streamed', true, (usage) => messageEvents({ ...usage, output_tokens: 1, iterations: null }, [usage])],
  [
    'streamed, the end without input',
    true,
    ({ output_tokens, iterations, ...input }) =>
      messageEvents({ ...input, output_tokens: 1 }, [{ output_tokens: 2 }, { output_tokens, iterations }]),
  ],
  [
    'streamed, the end with zeros of input, and zeros after it',
    true,
    ({ output_tokens, iterations, ...input }) =>
      messageEvents({ ...input, output_tokens: 1 }, [
        { ...zeros(input), output_tokens, iterations },
        { input_tokens: 0, output_tokens: 0 },
      ]),
  ],
]
const messageShapes = MESSAGE_REPORTS.flatMap(([report, usage, stated]) =>
  MESSAGE_FORMS.flatMap(([form, streamed, write]): Shape[] =>
    [
      ['anthropic', '/v1/messages'],
      // Servers that speak OpenAI's API have Anthropic's, too.
      ['openai', '/v1/messages'],
    ].flatMap(([provider, path]): Shape[] =>
      provider === 'openai' && !('iterations' in usage || 'cache_read_input_tokens' in usage)
        ? []
        : [
            {
              name: `a message with ${report}: ${form}, by ${provider}`,
              provider: provider === 'openai' ? 'openai' : 'anthropic',
              path: path ?? '',
              request: { model: 'm', messages: [], stream: streamed },
              body: Buffer.from(write(usage)),
              family: 'anthropic',
              stated,
            },
          ],
    ),
  ),
)

// Reports of generated content.

const CONTENT_REPORTS: readonly (readonly [name: string, metadata: Json, stated: Counted, rule?: Rule])[] = [
  ['text', { promptTokenCount: 10, candidatesTokenCount: 20, totalTokenCount: 30 }, [10, 20]],
  [
    'thoughts',
    { promptTokenCount: 10, candidatesTokenCount: 20, thoughtsTokenCount: 70, totalTokenCount: 100 },
    [10, 90],
  ],
  ['thoughts alone', { promptTokenCount: 10, thoughtsTokenCount: 70, totalTokenCount: 80 }, [10, 70]],
  [
    'thoughts in the total alone',
    { promptTokenCount: 10, candidatesTokenCount: 20, totalTokenCount: 100 },
    [10, 90],
    (count) => [count('promptTokenCount'), count('totalTokenCount') - count('promptTokenCount')],
  ],
  [
    'thoughts within the candidates',
    { promptTokenCount: 10, candidatesTokenCount: 90, thoughtsTokenCount: 70, totalTokenCount: 100 },
    [10, 90],
    (count) => [count('promptTokenCount'), count('candidatesTokenCount')],
  ],
  [
    'a cache',
    { promptTokenCount: 500, cachedContentTokenCount: 400, candidatesTokenCount: 20, totalTokenCount: 520 },
    [500, 20],
  ],
  [
    'tools',
    { promptTokenCount: 10, toolUsePromptTokenCount: 60, candidatesTokenCount: 20, totalTokenCount: 90 },
    [70, 20],
  ],
  ['no output', { promptTokenCount: 10, totalTokenCount: 10 }, [10, 0]],
  [
    'counts by modality',
    {
      promptTokenCount: 270,
      candidatesTokenCount: 20,
      totalTokenCount: 290,
      promptTokensDetails: [
        { modality: 'IMAGE', tokenCount: 258 },
        { modality: 'TEXT', tokenCount: 12 },
      ],
    },
    [270, 20],
  ],
]
/** The last chunk may have nothing but the usage. */
const bareChunk = (usageMetadata: Json): Json => ({
  candidates: [{ content: { parts: [{ text: '' }] }, index: 0 }],
  usageMetadata,
})
/** Content of which the metadata count none has none. */
const contentChunk = (usageMetadata: Json): Json =>
  usageMetadata.promptTokenCount === usageMetadata.totalTokenCount
    ? bareChunk(usageMetadata)
    : { candidates: [{ content: { parts: [{ text: TEXT }] }, index: 0 }], usageMetadata }
const CONTENT_FORMS: readonly (readonly [form: string, action: string, write: Form])[] = [
  ['plain', 'generateContent', (metadata) => JSON.stringify(contentChunk(metadata), null, 2)],
  [
    'events',
    'streamGenerateContent',
    (metadata) => events([contentChunk(part(metadata)), contentChunk(metadata)], '\r\n'),
  ],
  [
    'an array',
    'streamGenerateContent',
    (metadata) =>
      JSON.stringify([contentChunk(part(metadata)), contentChunk(metadata), bareChunk(zeros(metadata))], null, 1),
  ],
]
const contentShapes = CONTENT_REPORTS.flatMap(([report, metadata, stated, rule]) =>
  CONTENT_FORMS.map(
    ([form, action, write]): Shape => ({
      name: `content with ${report}: ${form}`,
      provider: 'google',
      path: `/v1beta/models/m:${action}`,
      request: { contents: [] },
      body: Buffer.from(write(metadata)),
      family: 'google',
      stated,
      ...(rule && { rule }),
    }),
  ),
)

// Reports of Bedrock's.

const CONVERSE_REPORTS: readonly (readonly [name: string, usage: Json, stated: Counted, rule?: Rule])[] = [
  ['text', { inputTokens: 30, outputTokens: 628, totalTokens: 658 }, [30, 628]],
  [
    'a cache',
    { inputTokens: 30, outputTokens: 8, totalTokens: 438, cacheReadInputTokens: 300, cacheWriteInputTokens: 100 },
    [430, 8],
  ],
  [
    'reasoning in the total alone',
    { inputTokens: 10, outputTokens: 2, totalTokens: 312 },
    [10, 302],
    (count) => [count('inputTokens'), count('totalTokens') - count('inputTokens')],
  ],
  [
    'no input but in the total',
    { outputTokens: 2, totalTokens: 312 },
    [310, 2],
    (count) => [count('totalTokens') - count('outputTokens'), count('outputTokens')],
  ],
]
const bedrock = (
  name: string,
  action: string,
  body: Buffer,
  family: Family,
  stated: Counted,
  headers: WireHeaders = {},
  rule?: Rule,
): Shape => ({
  name,
  provider: 'aws-bedrock',
  path: `/model/m/${action}`,
  request: {},
  body,
  headers,
  family,
  stated,
  ...(rule && { rule }),
})
const chunkFrame = (payload: Json) =>
  frame('event', 'chunk', { bytes: Buffer.from(JSON.stringify(payload)).toString('base64') })
const metrics = { inputTokenCount: 12, outputTokenCount: 34, cacheReadInputTokenCount: 5 }
const bedrockShapes: readonly Shape[] = [
  ...CONVERSE_REPORTS.flatMap(([report, usage, stated, rule]) => [
    bedrock(
      `a conversation with ${report}`,
      'converse',
      Buffer.from(JSON.stringify({ output: {}, stopReason: 'end_turn', usage })),
      'converse',
      stated,
      {},
      rule,
    ),
    bedrock(
      `a streamed conversation with ${report}`,
      'converse-stream',
      Buffer.concat([
        frame('event', 'messageStart', { role: 'assistant' }),
        frame('event', 'contentBlockDelta', { delta: { text: TEXT }, contentBlockIndex: 0 }),
        frame('event', 'messageStop', { stopReason: 'end_turn' }),
        frame('event', 'metadata', { usage, metrics: { latencyMs: 5 } }),
        frame('event', 'metadata', { usage: { inputTokens: 0, outputTokens: 0 } }),
      ]),
      'converse',
      stated,
      {},
      rule,
    ),
  ]),
  bedrock('an invocation, by its headers', 'invoke', Buffer.from('{"outputs":[]}'), 'bare', [12, 34], {
    'x-amzn-bedrock-input-token-count': '12',
    'x-amzn-bedrock-output-token-count': '34',
  }),
  bedrock(
    "Anthropic's",
    'invoke',
    Buffer.from('{"usage":{"input_tokens":12,"output_tokens":34,"cache_read_input_tokens":5}}'),
    'anthropic',
    [17, 34],
  ),
  bedrock(
    "OpenAI's",
    'invoke',
    Buffer.from('{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":4,"total_tokens":46}}'),
    'openai',
    [12, 34],
    {},
    REST_IS_OUTPUT,
  ),
  bedrock(
    "OpenAI's, with a cache",
    'invoke',
    Buffer.from(
      '{"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":64}}}',
    ),
    'openai',
    [90, 4],
  ),
  bedrock(
    "Titan's",
    'invoke',
    Buffer.from('{"inputTextTokenCount":12,"results":[{"tokenCount":30,"outputText":"a"},{"tokenCount":4}]}'),
    'bare',
    [12, 34],
    {},
    (count) => [count('inputTextTokenCount'), 30 + 4],
  ),
  bedrock(
    "Meta's",
    'invoke',
    Buffer.from('{"generation":"a","prompt_token_count":12,"generation_token_count":34}'),
    'bare',
    [12, 34],
  ),
  bedrock(
    'Llama, streamed',
    'invoke-with-response-stream',
    Buffer.concat([
      chunkFrame({ generation: 'a' }),
      chunkFrame({ generation: '', 'amazon-bedrock-invocationMetrics': metrics }),
    ]),
    'bare',
    [17, 34],
  ),
  bedrock(
    "OpenAI's, streamed",
    'invoke-with-response-stream',
    Buffer.concat([
      chunkFrame({ choices: [{ delta: { content: 'a' } }] }),
      chunkFrame({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 34 } }),
    ]),
    'openai',
    [12, 34],
  ),
  ...MESSAGE_REPORTS.map(([report, usage, stated]) =>
    bedrock(
      `a streamed message with ${report}`,
      'invoke-with-response-stream',
      Buffer.concat([
        chunkFrame({
          type: 'message_start',
          message: { id: 'm', usage: { ...usage, output_tokens: 1, iterations: null } },
        }),
        chunkFrame({ type: 'content_block_delta', delta: { type: 'text_delta', text: TEXT } }),
        chunkFrame({ type: 'message_delta', delta: {}, usage }),
        chunkFrame({ type: 'message_stop' }),
      ]),
      'anthropic',
      stated,
    ),
  ),
]

const SHAPES = [...chatShapes, ...otherShapes, ...messageShapes, ...contentShapes, ...bedrockShapes]

it('has at least 150 shapes, each once', () => {
  expect(new Set(SHAPES.map(({ name }) => name)).size).toBe(SHAPES.length)
  expect(SHAPES.length).toBeGreaterThanOrEqual(150)
})

describe.each(['openai', 'anthropic', 'google', 'converse', 'bare'] as const)('%s', (family) => {
  it.each(SHAPES.filter((shape) => shape.family === family).map((shape) => [shape.name, shape] as const))(
    'is read as documented, in whichever pieces: %s',
    (_, shape) => {
      expect(independently(shape)).toEqual(shape.stated)
      for (const sizes of SIZES) {
        // A byte at a time, long documents take long.
        if (shape.body.length > 100_000 && (sizes[0] ?? 0) < 1_000) continue
        const reader = readerFor(shape)
        pass(reader, cut(shape.body, sizes))
        expect([reader.usage?.inputTokens, reader.usage?.outputTokens]).toEqual(shape.stated)
        expect(reader.errorStatus).toBeUndefined()
      }
    },
  )
})

function readerFor({ provider, path, request, headers = {} }: Shape) {
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path)
  if (operation === undefined) throw new Error(`no operation at ${path}`)
  return adapter.responseReader(operation, adapter.inspect(operation, request, 100), headers)
}

// The independent reader: parses all of a body, lists every object that counts something, and goes by the rules of its
// kind of API.

function independently(shape: Shape): Counted {
  const messages = messagesOf(shape)
  const found = shape.rule?.(countOf(shape.family, messages)) ?? FAMILIES[shape.family](messages)
  const headers = Object.entries(shape.headers ?? {})
  if (headers.length === 0) return found
  const ofHeader = (word: string) => Number(headers.find(([name]) => name.includes(word))?.[1])
  return [Math.max(found[0], ofHeader('input')), Math.max(found[1], ofHeader('output'))]
}

function messagesOf({ body }: Shape): readonly unknown[] {
  if (body[0] === 0) return framesOf(body)
  const text = body.toString('utf8').replaceAll('\ufeff', '').replaceAll('\r\n', '\n').trimStart()
  if (text.startsWith('[')) return JSON.parse(text) as unknown[]
  if (text.startsWith('{'))
    return isJson(text)
      ? [JSON.parse(text)]
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown)
  return text.split('\n\n').flatMap((block): unknown[] => {
    const lines = block.split('\n').filter((line) => line.startsWith('data: '))
    const data = lines.map((line) => line.slice('data: '.length)).join('')
    return isJson(data) ? [JSON.parse(data)] : []
  })
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** By the lengths in their preludes; chunks in base64 are opened. */
function framesOf(bytes: Buffer): readonly unknown[] {
  const messages: unknown[] = []
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const payload = bytes.subarray(at + 12 + bytes.readUInt32BE(at + 4), at + bytes.readUInt32BE(at) - 4)
    const message = JSON.parse(payload.toString()) as { bytes?: string }
    messages.push(message.bytes === undefined ? message : JSON.parse(Buffer.from(message.bytes, 'base64').toString()))
  }
  return messages
}

/** Returns every object with one of these names, except within text of an application or a model. */
function objectsCalled(value: unknown, names: readonly string[]): Json[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]): Json[] => {
    if (name === 'tools' || name === 'iterations') return []
    const own = names.includes(name) && typeof inner === 'object' && inner !== null ? [inner as Json] : []
    return [...own, ...objectsCalled(inner, names)]
  })
}

/** The highest number of these names in any of the objects, or in what they hold. */
function most(objects: readonly unknown[], ...names: readonly string[]): number {
  const numbers = objects.flatMap((one): number[] =>
    Object.entries(one ?? {}).flatMap(([name, value]: [string, unknown]): number[] => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [most([value], ...names)]
      return names.includes(name) && Number.isFinite(Number(value)) ? [Math.ceil(Number(value))] : []
    }),
  )
  return Math.max(0, ...numbers)
}

function countOf(family: Family, messages: readonly unknown[]): Parameters<Rule>[0] {
  const reports = family === 'bare' ? messages : objectsCalled(messages, ['usage', 'usageMetadata'])
  return (...names) => most(reports, ...names)
}

/** As each original's documentation has it. */
const FAMILIES: Readonly<Record<Family, (messages: readonly unknown[]) => Counted>> = {
  // Cached tokens are within the prompt, and reasoning within the completion.
  openai(messages) {
    const reports = objectsCalled(messages, ['usage'])
    return [most(reports, 'prompt_tokens'), most(reports, 'completion_tokens')]
  },
  anthropic(messages) {
    const reports = objectsCalled(messages, ['usage'])
    const lists = reports.map(({ iterations }) => (Array.isArray(iterations) ? (iterations as Json[]) : []))
    const iterations = lists.toSorted((a, b) => b.length - a.length)[0] ?? []
    const inputOf = (one: readonly Json[]) =>
      most(one, 'input_tokens') +
      most(one, 'cache_read_input_tokens') +
      Math.max(
        most(one, 'cache_creation_input_tokens'),
        most(one, 'ephemeral_5m_input_tokens') + most(one, 'ephemeral_1h_input_tokens'),
      )
    const sum = (list: readonly Json[], count: (one: readonly Json[]) => number) =>
      list.reduce((all, one) => all + count([one]), 0)
    const isOwn = ({ type }: Json) => type === 'message' || type === 'fallback_message'
    const own = iterations.filter(isOwn)
    const beside = iterations.filter((one) => !isOwn(one))
    const outputOf = (one: readonly Json[]) => most(one, 'output_tokens')
    return [
      Math.max(inputOf(reports), sum(own, inputOf)) + sum(beside, inputOf),
      Math.max(outputOf(reports), sum(own, outputOf)) + sum(beside, outputOf),
    ]
  },
  // Cached content is within the prompt; what tools found, and thoughts, are beside.
  google(messages) {
    const reports = objectsCalled(messages, ['usageMetadata'])
    return [
      most(reports, 'promptTokenCount') + most(reports, 'toolUsePromptTokenCount'),
      most(reports, 'candidatesTokenCount') + most(reports, 'thoughtsTokenCount'),
    ]
  },
  converse(messages) {
    const reports = objectsCalled(messages, ['usage'])
    const input =
      most(reports, 'inputTokens') + most(reports, 'cacheReadInputTokens') + most(reports, 'cacheWriteInputTokens')
    return [input, most(reports, 'outputTokens')]
  },
  bare(messages) {
    return [
      most(messages, 'prompt_eval_count', 'tokens_evaluated', 'prompt_token_count', 'inputTokenCount') +
        most(messages, 'cacheReadInputTokenCount'),
      most(messages, 'eval_count', 'tokens_predicted', 'generation_token_count', 'outputTokenCount'),
    ]
  },
}
