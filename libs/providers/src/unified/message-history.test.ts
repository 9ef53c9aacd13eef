import { describe, expect, it } from 'vitest'
import { sentText, TRANSLATED, translationOf } from '../../test/fixtures/unified/unified-chat.ts'
import { withoutNulls } from './message-history.ts'

const requestOf = (...messages: object[]) => ({ model: 'm', messages })
const user = (content: unknown, name?: string) => ({ role: 'user', content, ...(name && { name }) })
const CALL = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }

/** Members of a response's message in providers' SDKs, beside its content. */
const EXTRAS = [
  [
    'Groq',
    { reasoning: 'The user greets.', executed_tools: [{ index: 0, type: 'search', arguments: '{}', output: 'x' }] },
  ],
  [
    'OpenRouter',
    {
      reasoning: 'Hm.',
      reasoning_details: [{ type: 'reasoning.text', text: 'Hm.', signature: null, index: 0 }],
      refusal: null,
      images: [],
      annotations: [
        { type: 'url_citation', url_citation: { url: 'https://a.example', title: 't', start_index: 0, end_index: 1 } },
      ],
    },
  ],
  [
    'OpenAI, with its search',
    {
      refusal: null,
      audio: null,
      function_call: null,
      tool_calls: null,
      annotations: [
        { type: 'url_citation', url_citation: { url: 'https://a.example', title: 't', start_index: 0, end_index: 1 } },
      ],
    },
  ],
  ['Azure', { context: { citations: [{ title: 't', content: 'x' }], intent: '[]' }, annotations: [] }],
  ['DeepSeek and xAI', { reasoning_content: 'Hm.', refusal: null, logprobs: { content: [] } }],
  [
    'vLLM',
    { reasoning: 'Hm.', reasoning_content: 'Hm.', tool_calls: [], function_call: null, audio: null, annotations: null },
  ],
  ['Mistral', { prefix: false, tool_calls: null }],
  ['MiniMax', { name: 'MiniMax AI', audio_content: '', reasoning_details: [{ text: 'Hm.' }] }],
  [
    'LiteLLM',
    {
      thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', signature: 's' }],
      provider_specific_fields: { citations: null },
    },
  ],
  ['several agents', { name: 'researcher' }],
  ['GitHub Copilot', { reasoning_text: 'Hm.', reasoning_opaque: 'c2VhbGVk' }],
  ['Ollama', { thinking: 'Hm.' }],
  ['Perplexity', { citations: ['https://a.example'], search_results: [{ title: 't', url: 'https://a.example' }] }],
  ['OpenAI, by voice and in text', { audio: { id: 'audio_1', transcript: 'Hello', expires_at: 1 } }],
  ['OpenAI, by a voice that it keeps', { audio: { id: 'audio_1' } }],
] as const

describe.each(TRANSLATED)('a history that goes to %s', (provider, model) => {
  const sent = (...messages: object[]) => sentText(provider, model, requestOf(...messages))
  const refused = (...messages: object[]) => translationOf(provider, model, requestOf(...messages))
  const plain = sent(user('Hi'), { role: 'assistant', content: 'Hello' }, user('And?'))

  it.each(EXTRAS)('may have the message of %s as its SDK holds it', (_, extras) => {
    expect(sent(user('Hi'), { role: 'assistant', content: 'Hello', ...extras }, user('And?'))).toBe(plain)
  })

  it.each([
    ['Mistral', [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }], closed: true }]],
    ['Databricks', [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] }]],
  ])('may have the thoughts of %s among its content', (_, thoughts) => {
    const content = [...thoughts, { type: 'text', text: 'Hello' }]
    expect(sent(user('Hi'), { role: 'assistant', content }, user('And?'))).toBe(plain)
  })

  it.each([
    [
      'annotations',
      [{ type: 'text', text: 'Hello', annotations: [{ type: 'file_citation', file_id: 'f', index: 1 }] }],
    ],
    [
      'citations and no annotations',
      [{ type: 'text', text: 'Hello', citations: [{ url: 'https://a.example' }], annotations: [] }],
    ],
    [
      'Mistral’s references',
      [
        { type: 'text', text: 'Hello' },
        { type: 'reference', reference_ids: [1, 2] },
        { type: 'tool_reference', tool: 'web_search', title: 't', url: 'https://a.example' },
      ],
    ],
  ])('may have texts with what they cite: %s', (_, content) => {
    expect(sent(user('Hi'), { role: 'assistant', content }, user('And?'))).toBe(plain)
  })

  it.each([[''], [[]], [null], [' '], [[{ type: 'text', text: '' }]]])(
    'has a refusal beside the content %j as what was said',
    (content) => {
      expect(sent(user('Hi'), { role: 'assistant', content, refusal: 'Hello' }, user('And?'))).toBe(plain)
    },
  )

  it('has a voice’s transcript in the place of content that is empty', () => {
    const audio = { id: 'audio_1', transcript: 'Hello' }
    expect(sent(user('Hi'), { role: 'assistant', content: '', audio }, user('And?'))).toBe(plain)
  })

  it('has what the model said by voice as text', () => {
    const audio = { id: 'audio_1', data: 'AAAA', expires_at: 1, transcript: 'Hello' }
    expect(sent(user('Hi'), { role: 'assistant', content: null, audio }, user('And?'))).toBe(plain)
  })

  it('may have tool calls without content, and results without any', () => {
    const extra = { provider_specific_fields: { thought: 1 }, index: 0 }
    const text = sentText(provider, model, {
      ...requestOf(
        user('Hi'),
        { role: 'assistant', content: [], tool_calls: [{ ...CALL, ...extra }] },
        { role: 'tool', tool_call_id: 'c1', content: [] },
      ),
      tools: [{ type: 'function', function: { name: 'f' } }],
    })
    expect(text).toContain('"c1"')
  })

  it('has the names of users before what they say', () => {
    const texts = sent(
      user('Hi', 'Ann'),
      user([{ type: 'text', text: 'Hello' }], 'Bob'),
      user('', 'Cy'),
      user('Bye', 'user'),
      user('So', ' '),
      { ...user('Long'), name: '' },
    )
    const said = [...texts.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text)
    expect(said).toEqual(['Ann: Hi', 'Bob:', 'Hello', 'Bye', 'So', 'Long'])
  })

  it('has the names of system messages, as those of examples, before what they say', () => {
    const texts = sent({ role: 'system', name: 'example_user', content: 'Hi' }, user('Bye'))
    expect(texts).toContain('"example_user: Hi"')
  })

  it.each([
    ['messages.1.audio', 'transcript', { audio: { id: 'audio_1' } }],
    ['messages.1.function_call', 'tool_calls', { function_call: { name: 'f', arguments: '{}' } }],
    [
      'messages.1.images',
      'user message',
      { images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    ],
    ['messages.1.prefix', 'not known', { content: 'Hello', prefix: true }],
  ])('is refused, with advice, where it has %s', (param, advice, extras) => {
    expect(refused(user('Hi'), { role: 'assistant', ...extras })).toMatchObject({
      status: 'refused',
      param,
      message: expect.stringContaining(advice),
    })
  })

  it('is refused, with advice, where a part asks for a cache or a message has no part', () => {
    const cached = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }
    expect(refused(user([{ type: 'text', text: 'a' }, cached]))).toMatchObject({
      param: 'messages.0.content.1.cache_control',
      message: expect.stringContaining("not part of OpenAI's API"),
    })
    const cache_control = { type: 'ephemeral' }
    for (const [param, body] of [
      ['messages.0.cache_control', requestOf({ ...user('a'), cache_control })],
      ['messages.0.cache_control', requestOf({ role: 'system', content: 'a', cache_control }, user('a'))],
      [
        'tools.0.cache_control',
        { ...requestOf(user('a')), tools: [{ type: 'function', function: { name: 'f' }, cache_control }] },
      ],
      [
        'tools.0.function.cache_control',
        { ...requestOf(user('a')), tools: [{ type: 'function', function: { name: 'f', cache_control } }] },
      ],
    ] as const) {
      expect(translationOf(provider, model, body)).toMatchObject({
        param,
        message: expect.stringContaining("not part of OpenAI's API"),
      })
    }
    expect(refused(user([]))).toMatchObject({
      param: 'messages.0.content',
      message: expect.stringContaining('empty list'),
    })
  })
})

it.each([
  ['in the body', { seed: null, n: 1 }, { n: 1 }],
  ['in an object', { stream_options: { include_usage: null } }, { stream_options: {} }],
  ['in what a message is made of', { messages: [{ role: 'user', name: null }] }, { messages: [{ role: 'user' }] }],
  [
    'in a part',
    { messages: [{ content: [{ image_url: { url: 'u', detail: null } }] }] },
    { messages: [{ content: [{ image_url: { url: 'u' } }] }] },
  ],
  [
    'in a call',
    { messages: [{ tool_calls: [{ index: null, function: { arguments: '', parsed_arguments: null } }] }] },
    { messages: [{ tool_calls: [{ function: { arguments: '' } }] }] },
  ],
  [
    'in a tool',
    { tools: [{ function: { name: 'f', description: null, parameters: null, strict: null } }] },
    { tools: [{ function: { name: 'f' } }] },
  ],
])('leaves out null %s', (_, body, expected) => {
  expect(withoutNulls(body)).toEqual(expected)
})

it.each([
  { messages: [{ role: 'assistant', content: null }] },
  { messages: [null], stop: [null] },
  { tools: [{ function: { name: 'f', parameters: { enum: [1, null], default: null, nested: { const: null } } } }] },
  { response_format: { json_schema: { schema: { properties: { a: { default: null } } } } } },
  { messages: [{ extra_content: { provider: { field: null } }, parsed: { a: null } }] },
  { metadata: { a: null } },
  JSON.parse('{"__proto__":{"a":1}}'),
])('accepts %j unchanged', (body) => {
  expect(withoutNulls(body)).toBe(body)
})

it('keeps a member of any name where another is left out', () => {
  const body = JSON.parse('{"__proto__":{"a":1},"b":null}')
  expect(Object.entries(withoutNulls(body))).toEqual([['__proto__', { a: 1 }]])
})

it('looks no deeper than a request goes', () => {
  const deep = `${'[{"a":'.repeat(100_000)}null${'}]'.repeat(100_000)}`
  const body = JSON.parse(`{"messages":${deep}}`)
  expect(withoutNulls(body)).toBe(body)
})
