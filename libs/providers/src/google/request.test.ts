import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HELLO, nativeCall, unifiedRequest } from '../../test/fixtures/google/unified-request.ts'
import type { UnifiedRequest } from '../unified-api.ts'
import { google } from './adapter.ts'
import { toGenerateContentCall } from './request.ts'
import type { GeminiRequest } from './wire-types.ts'

const PIXEL = 'data:image/png;base64,iVBORw0KGgo='
const WEATHER = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }
const CALL = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }

const DEEP = '['.repeat(20_000) + ']'.repeat(20_000)

describe('a call', () => {
  it('is an operation of the adapter', () => {
    const call = nativeCall(toGenerateContentCall(unifiedRequest({ messages: HELLO })))
    expect(call).toMatchObject({ path: '/v1beta/models/gemini-2.5-flash:generateContent', query: '' })
    expect(google.operation('POST', call.path)).toMatchObject({ kind: 'generate', model: 'gemini-2.5-flash' })
  })

  it('accepts the model with or without its collection', () => {
    const call = nativeCall(
      toGenerateContentCall(unifiedRequest({ messages: HELLO }, { model: 'models/gemini-flash-latest' })),
    )
    expect(call.path).toBe('/v1beta/models/gemini-flash-latest:generateContent')
  })

  it('of a stream requests server-sent events', () => {
    const call = nativeCall(
      toGenerateContentCall(unifiedRequest({ messages: HELLO, stream: true }, { model: 'tunedModels/mine' })),
    )
    expect(call).toMatchObject({ path: '/v1beta/tunedModels/mine:streamGenerateContent', query: 'alt=sse' })
    expect(google.operation('POST', call.path)).toMatchObject({ kind: 'stream', model: 'tunedModels/mine' })
  })

  it.each(['', 'a/b', '../files', 'g:embedContent', 'a b', 'a%2Fb', 'a?b', 'tunedModels/'])(
    'is refused for the model %j',
    (model) => {
      expect(toGenerateContentCall(unifiedRequest({ messages: HELLO }, { model }))).toMatchObject({
        status: 'refused',
        param: 'model',
      })
    },
  )
})

describe('messages', () => {
  it('of system and developer become the instruction, in any position', () => {
    expect(
      sent({
        messages: [
          { role: 'system', content: 'Brief.' },
          ...HELLO,
          {
            role: 'developer',
            content: [
              { type: 'text', text: 'In ' },
              { type: 'text', text: 'verse.' },
            ],
          },
        ],
      }),
    ).toEqual({
      systemInstruction: { parts: [{ text: 'Brief.' }, { text: 'In verse.' }] },
      contents: [{ role: 'user', parts: [{ text: 'Hello!' }] }],
      generationConfig: {},
    })
  })

  it('keep their turns, without empty ones', () => {
    expect(
      sent({
        messages: [
          ...HELLO,
          { role: 'assistant', content: null, refusal: 'No.', reasoning_content: 'Hm.' },
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 'Well: ' },
              { type: 'refusal', refusal: 'no' },
            ],
          },
          { role: 'user', content: '' },
          { role: 'assistant', content: '' },
          {
            role: 'user',
            content: [
              { type: 'text', text: '' },
              { type: 'text', text: 'Why?' },
            ],
          },
        ],
      }).contents,
    ).toEqual([
      { role: 'user', parts: [{ text: 'Hello!' }] },
      { role: 'model', parts: [{ text: 'No.' }] },
      { role: 'model', parts: [{ text: 'Well: no' }] },
      { role: 'user', parts: [{ text: 'Why?' }] },
    ])
  })

  it('with calls are followed by all results in the order of the calls', () => {
    const second = { id: 'c2', type: 'function', function: { name: 'time', arguments: '{}' }, index: 1 }
    expect(
      sent({
        messages: [
          ...HELLO,
          { role: 'assistant', content: 'Wait.', tool_calls: [CALL, second] },
          { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'noon' }] },
          { role: 'tool', tool_call_id: 'c1', content: '{"sky":1}', name: 'weather' },
          { role: 'user', content: 'And?' },
        ],
      }).contents,
    ).toEqual([
      { role: 'user', parts: [{ text: 'Hello!' }] },
      {
        role: 'model',
        parts: [
          { text: 'Wait.' },
          { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } } },
          { functionCall: { id: 'c2', name: 'time', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'weather', response: { output: '{"sky":1}' } } },
          { functionResponse: { id: 'c2', name: 'time', response: { output: 'noon' } } },
        ],
      },
      { role: 'user', parts: [{ text: 'And?' }] },
    ])
  })

  it('contain thought signatures at their original places', () => {
    const signature = (text: string) => ({ google: { thought_signature: text } })
    expect(
      sent({
        messages: [
          ...HELLO,
          { role: 'assistant', content: '', extra_content: signature('dGV4dA==') },
          { role: 'assistant', tool_calls: [{ ...CALL, extra_content: signature('Y2FsbA==') }] },
          { role: 'tool', tool_call_id: 'c1', content: 'rain' },
        ],
      }).contents,
    ).toMatchObject([
      {},
      { parts: [{ text: '', thoughtSignature: 'dGV4dA==' }] },
      { parts: [{ functionCall: {}, thoughtSignature: 'Y2FsbA==' }] },
      {},
    ])
  })

  it.each([
    ['gemini-3-pro-preview', ['skip_thought_signature_validator', undefined]],
    ['gemini-4-argon', ['skip_thought_signature_validator', undefined]],
    ['gemini-flash-latest', ['skip_thought_signature_validator', undefined]],
    ['gemini-flash-lite-latest', ['skip_thought_signature_validator', undefined]],
    ['gemini-pro-latest', ['skip_thought_signature_validator', undefined]],
    ['models/gemini-flash-latest', ['skip_thought_signature_validator', undefined]],
    ['tunedModels/mine', ['skip_thought_signature_validator', undefined]],
    ['gemma-3-27b-it', [undefined, undefined]],
    ['gemini-2.5-pro', [undefined, undefined]],
  ])('for %s have calls of another model signed with %j', (model, signatures) => {
    const messages = [
      ...HELLO,
      { role: 'assistant', tool_calls: [CALL, { ...CALL, id: 'c2' }] },
      { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      { role: 'tool', tool_call_id: 'c2', content: 'sun' },
    ]
    const parts = sent({ messages }, { model }).contents[1]?.parts ?? []
    expect(parts.map((part) => 'functionCall' in part && part.thoughtSignature)).toEqual(signatures)
  })

  it.each(['image/jpg', 'application/octet-stream', 'image/png'])(
    'send a JPEG as one when it is labelled %s',
    (label) => {
      const data = Buffer.from('ffd8ffe000104a464946', 'hex').toString('base64')
      const content = [{ type: 'image_url', image_url: { url: `data:${label};base64,${data}` } }]
      expect(sent({ messages: [{ role: 'user', content }] }).contents).toEqual([
        { role: 'user', parts: [{ inlineData: { mimeType: 'image/jpeg', data } }] },
      ])
    },
  )

  it('contain images once those at URLs are fetched', () => {
    const messages = [
      {
        role: 'user',
        content: [PIXEL, 'https://a.example/1.jpg', 'https://a.example/1.jpg'].map((url) => ({
          type: 'image_url',
          image_url: { url, detail: 'auto' },
        })),
      },
    ]
    const needed = toGenerateContentCall(unifiedRequest({ messages }))
    expect(needed).toEqual({ status: 'images-needed', urls: ['https://a.example/1.jpg'] })
    const images = new Map([['https://a.example/1.jpg', { mediaType: 'image/jpeg', base64: '/9j/' }]])
    const jpeg = { inlineData: { mimeType: 'image/jpeg', data: '/9j/' } }
    expect(sent({ messages }, { images })).toEqual({
      contents: [
        { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }, jpeg, jpeg] },
      ],
      generationConfig: {},
    })
  })

  it.each([
    ['low', 'MEDIA_RESOLUTION_LOW'],
    ['high', 'MEDIA_RESOLUTION_HIGH'],
  ])('apply the image detail %s', (detail, mediaResolution) => {
    const images = [{ url: PIXEL }, { url: PIXEL, detail }].map((url) => ({ type: 'image_url', image_url: url }))
    expect(sent({ messages: [{ role: 'user', content: images }] }).generationConfig).toEqual({ mediaResolution })
  })
})

describe('tools', () => {
  it('are declared with their JSON schema', () => {
    const described = { type: 'function', function: { name: 'time', description: 'Tells it.' } }
    expect(sent({ messages: HELLO, tools: [WEATHER, described] })).toMatchObject({
      tools: [
        {
          functionDeclarations: [
            { name: 'weather', parametersJsonSchema: { type: 'object' } },
            { name: 'time', description: 'Tells it.' },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'AUTO' } },
    })
  })

  it.each([
    ['none', { mode: 'NONE' }],
    ['auto', { mode: 'AUTO' }],
    ['required', { mode: 'ANY' }],
    [
      { type: 'function', function: { name: 'weather' } },
      { mode: 'ANY', allowedFunctionNames: ['weather'] },
    ],
  ])('are chosen with %j', (choice, config) => {
    const { toolConfig } = sent({ messages: HELLO, tools: [WEATHER], tool_choice: choice, parallel_tool_calls: true })
    expect(toolConfig?.functionCallingConfig).toEqual(config)
  })

  it('that are strict use the mode that follows the schema', () => {
    const strict = { type: 'function', function: { ...WEATHER.function, strict: true } }
    const { toolConfig } = sent({ messages: HELLO, tools: [WEATHER, strict] })
    expect(toolConfig?.functionCallingConfig).toEqual({ mode: 'VALIDATED' })
  })

  it('that are empty are omitted', () => {
    expect(sent({ messages: HELLO, tools: [], tool_choice: 'auto' })).not.toHaveProperty('tools')
  })
})

describe('settings', () => {
  it.each([
    [{ max_tokens: 5 }, { maxOutputTokens: 5 }],
    [{ max_tokens: 5, max_completion_tokens: 6 }, { maxOutputTokens: 6 }],
    [
      { temperature: 2, top_p: 0 },
      { temperature: 2, topP: 0 },
    ],
    [{ stop: 'x' }, { stopSequences: ['x'] }],
    [{ stop: ['x', 'y'] }, { stopSequences: ['x', 'y'] }],
    [
      { seed: -7, n: 2 },
      { seed: -7, candidateCount: 2 },
    ],
    [
      { frequency_penalty: 1, presence_penalty: -1 },
      { frequencyPenalty: 1, presencePenalty: -1 },
    ],
    [{ logprobs: true }, { responseLogprobs: true }],
    [
      { logprobs: true, top_logprobs: 3 },
      { responseLogprobs: true, logprobs: 3 },
    ],
    [{ response_format: { type: 'text' } }, {}],
    [{ response_format: { type: 'json_object' } }, { responseMimeType: 'application/json' }],
    [
      {
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
      },
      { responseMimeType: 'application/json', responseJsonSchema: { type: 'object' } },
    ],
    [
      { response_format: { type: 'json_schema', json_schema: { name: 'x', description: 'An x.', schema: {} } } },
      { responseMimeType: 'application/json', responseJsonSchema: { description: 'An x.' } },
    ],
    [{ reasoning_effort: 'low' }, { thinkingConfig: { includeThoughts: true, thinkingBudget: 1_024 } }],
    [{ seed: null, user: null, logprobs: false, n: 1, metadata: {} }, {}],
  ])('%j', (requested, config) => {
    expect(sent({ messages: HELLO, ...requested }).generationConfig).toEqual(config)
  })
})

describe('a refusal', () => {
  const result = { role: 'tool', tool_call_id: 'c1', content: 'rain' }
  const call = { role: 'assistant', tool_calls: [CALL] }
  const malformed = { ...CALL, function: { name: 'weather', arguments: '[1]' } }
  const image = (url: string, detail = 'auto') => ({ type: 'image_url', image_url: { url, detail } })

  it.each([
    ['user', { user: 'u' }],
    ['metadata', { metadata: { a: 'b' } }],
    ['parallel_tool_calls', { parallel_tool_calls: false }],
    ['logit_bias', { logit_bias: { 5: 1 } }],
    ['seed', { seed: 2 ** 31 }],
    ['temperature', { temperature: 2.1 }],
    ['top_logprobs', { top_logprobs: 2 }],
    ['reasoning_effort', { reasoning_effort: 'xhigh' }],
    ['tool_choice', { tool_choice: 'required' }],
    ['tool_choice.function.name', { tools: [WEATHER], tool_choice: { type: 'function', function: { name: 'x' } } }],
    ['messages', { messages: [{ role: 'system', content: 'Brief.' }] }],
    ['messages.0.content.0.image_url.url', { messages: [{ role: 'user', content: [image('http://a.example')] }] }],
    [
      'messages.0.content.1.image_url.detail',
      { messages: [{ role: 'user', content: [image(PIXEL, 'low'), image(PIXEL, 'high')] }] },
    ],
    ['messages.1.tool_call_id', { messages: [...HELLO, result] }],
    ['messages.3.tool_call_id', { messages: [...HELLO, call, result, result] }],
    ['messages.1.tool_calls', { messages: [...HELLO, call] }],
    ['messages.1.tool_calls', { messages: [...HELLO, call, { ...result, tool_call_id: 'c9' }] }],
    [
      'messages.1.tool_calls.1.function.arguments',
      { messages: [...HELLO, { role: 'assistant', tool_calls: [CALL, malformed] }] },
    ],
  ])('contains the parameter %s', (param, requested) => {
    expect(toGenerateContentCall(unifiedRequest({ messages: HELLO, ...requested }))).toMatchObject({
      status: 'refused',
      code: 'invalid_request',
      param,
      message: expect.stringMatching(/\.$/),
    })
  })
})

it.each([
  { tools: [{ type: 'function', function: { name: 'x', parameters: { a: JSON.parse(DEEP) } } }] },
  {
    messages: [
      { role: 'assistant', tool_calls: [{ ...CALL, function: { name: 'x', arguments: `{"a":${DEEP}}` } }] },
      { role: 'tool', tool_call_id: 'c1', content: '' },
    ],
  },
])('refuses a request that is nested too deeply to serialize', (requested) => {
  expect(toGenerateContentCall(unifiedRequest({ messages: HELLO, ...requested }))).toMatchObject({ status: 'refused' })
})

it('never throws, whatever the request', () => {
  const name = fc.constantFrom(
    'messages',
    'tools',
    'tool_choice',
    'response_format',
    'stop',
    'reasoning_effort',
    'seed',
  )
  const message = fc.record(
    {
      role: fc.constantFrom('user', 'assistant', 'tool', 'system'),
      content: fc.oneof(fc.string(), fc.jsonValue()),
      tool_calls: fc.oneof(fc.constant([CALL]), fc.jsonValue()),
      tool_call_id: fc.constantFrom('c1', 'c2'),
      extra_content: fc.dictionary(fc.constantFrom('google'), fc.jsonValue()),
    },
    { requiredKeys: ['role'] },
  )
  fc.assert(
    fc.property(fc.array(message), fc.dictionary(name, fc.jsonValue()), (messages, others) => {
      toGenerateContentCall(unifiedRequest({ messages, ...others }, { model: 'gemini-3-flash' }))
      toGenerateContentCall(unifiedRequest({ messages }))
    }),
  )
})

function sent(body: Readonly<Record<string, unknown>>, settings: Partial<UnifiedRequest> = {}): GeminiRequest {
  return JSON.parse(nativeCall(toGenerateContentCall(unifiedRequest(body, settings))).body.toString())
}
