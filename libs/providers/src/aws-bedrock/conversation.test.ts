import { describe, expect, it } from 'vitest'
import { CLAUDE, converseBody, NOVA, refusal, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { toConverseCall } from './request.ts'

const call = (id: string, text = '{}') => ({ id, type: 'function', function: { name: 'f', arguments: text } })
const image = (url: string, detail?: string) => ({ type: 'image_url', image_url: { url, ...(detail && { detail }) } })
const result = (id: string, content: unknown = 'x') => ({ role: 'tool', tool_call_id: id, content })
const toolUse = (toolUseId: string, input: unknown) => ({ toolUse: { toolUseId, name: 'f', input } })
const USER = { role: 'user', content: 'a' }
const TOOLS = [{ type: 'function', function: { name: 'f' } }]
const PNG = 'data:image/png;base64,iVBORw0KGgo='
const URL = 'https://a.example/b.webp'

describe('messages', () => {
  it('of system and developer become the system prompt; those of one role become one turn; empty ones are omitted', () => {
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'system', content: ' ' },
      USER,
      { role: 'assistant', content: '' },
      { role: 'developer', content: [{ type: 'text', text: 'Be brief.' }] },
      {
        role: 'user',
        content: [
          { type: 'text', text: '' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: 'c' },
    ]
    expect(converseBody({ messages })).toEqual({
      system: [{ text: 'Be kind.' }, { text: 'Be brief.' }],
      messages: [
        { role: 'user', content: [{ text: 'a' }, { text: 'b' }] },
        { role: 'assistant', content: [{ text: 'c' }] },
      ],
    })
  })

  it('put the results of parallel tool calls first in the following turn', () => {
    const messages = [
      USER,
      { role: 'assistant', content: 'b', refusal: null, tool_calls: [call('c1', '{"x":[1]}'), call('c2', '')] },
      result('c2', [{ type: 'text', text: 'two' }]),
      { role: 'user', content: 'and?' },
      result('c1', ''),
    ]
    // Some applications send user text between the results.
    expect(converseBody({ messages, tools: TOOLS }).messages).toEqual([
      { role: 'user', content: [{ text: 'a' }] },
      { role: 'assistant', content: [{ text: 'b' }, toolUse('c1', { x: [1] }), toolUse('c2', {})] },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'c2', content: [{ text: 'two' }] } },
          { toolResult: { toolUseId: 'c1', content: [] } },
          { text: 'and?' },
        ],
      },
    ])
  })

  it('contain the signed reasoning at its original places', () => {
    const reasoning = [
      { text: 'Hm.', signature: 's1', at: { content: 0, tool_calls: 0 } },
      { redactedContent: 'AAE=', at: { content: 2, tool_calls: 0 } },
    ]
    const messages = [
      USER,
      {
        role: 'assistant',
        content: 'b c',
        reasoning_content: 'Hm.',
        tool_calls: [call('c1')],
        extra_content: { bedrock: { reasoning } },
      },
      result('c1'),
    ]
    expect(converseBody({ messages, tools: TOOLS }).messages).toMatchObject([
      {},
      {
        content: [
          { reasoningContent: { reasoningText: { text: 'Hm.', signature: 's1' } } },
          { text: 'b ' },
          { reasoningContent: { redactedContent: 'AAE=' } },
          { text: 'c' },
          toolUse('c1', {}),
        ],
      },
      {},
    ])
  })

  it.each([CLAUDE, 'arn:aws:bedrock:eu-central-1:1:application-inference-profile/abc'])(
    'may begin with the assistant for %s, which is or may be Claude',
    (model) => {
      const messages = [
        { role: 'assistant', content: 'Which city?' },
        { role: 'user', content: 'Bern.' },
      ]
      expect(converseBody({ messages }, model).messages).toEqual([
        { role: 'assistant', content: [{ text: 'Which city?' }] },
        { role: 'user', content: [{ text: 'Bern.' }] },
      ])
    },
  )

  it.each([CLAUDE, NOVA])('must not be empty for %s', (model) => {
    const messages = [
      { role: 'system', content: 'x' },
      { role: 'user', content: ' ' },
    ]
    expect(refusal(toConverseCall(unifiedRequest({ messages }, { model })))).toMatchObject({ param: 'messages' })
  })

  it.each([
    ['nothing but the system', [{ role: 'system', content: 'x' }], 'messages'],
    ['an assistant first', [{ role: 'assistant', content: 'x' }, USER], 'messages'],
    ['a result without a call', [USER, result('c1')], 'messages.1.tool_call_id'],
    ['a call without a result', [USER, { role: 'assistant', tool_calls: [call('c1')] }], 'messages.1.tool_calls.0'],
    [
      'a response before the result',
      [USER, { role: 'assistant', tool_calls: [call('c1')] }, { role: 'assistant', content: 'x' }, result('c1')],
      'messages.1.tool_calls.0',
    ],
    [
      'arguments that are no JSON object',
      [USER, { role: 'assistant', tool_calls: [call('c1', '[1]')] }, result('c1')],
      'messages.1.tool_calls.0.function.arguments',
    ],
    [
      'reasoning that is none',
      [USER, { role: 'assistant', content: 'x', extra_content: { bedrock: { reasoning: 'x' } } }],
      'messages.1.extra_content.bedrock.reasoning',
    ],
  ])('with %s are refused', (_, messages, param) => {
    const refused = refusal(toConverseCall(unifiedRequest({ messages, tools: TOOLS })))
    expect(refused).toMatchObject({ code: 'invalid_request', param })
  })
})

describe('images', () => {
  const request = (url: string, images = new Map(), detail?: string) =>
    toConverseCall(unifiedRequest({ messages: [{ role: 'user', content: [image(url, detail)] }] }, { images }))

  it('are sent inside the request', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'What?' }, image(PNG, 'high')] }]
    expect(converseBody({ messages }).messages).toEqual([
      { role: 'user', content: [{ text: 'What?' }, { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } }] },
    ])
  })

  it.each(['image/jpg', 'image/pjpeg', 'application/octet-stream', 'image/png'])(
    'are sent as JPEGs where their bytes show it, labelled %s',
    (label) => {
      const bytes = Buffer.from('ffd8ffe000104a464946', 'hex').toString('base64')
      const messages = [{ role: 'user', content: [image(`data:${label};base64,${bytes}`)] }]
      expect(converseBody({ messages }).messages).toEqual([
        { role: 'user', content: [{ image: { format: 'jpeg', source: { bytes } } }] },
      ])
    },
  )

  it('at URLs are requested, and sent once fetched', () => {
    expect(request(URL)).toEqual({ status: 'images-needed', urls: [URL] })
    const translated = request(URL, new Map([[URL, { mediaType: 'image/webp', base64: 'UklGRg==' }]]))
    if (translated.status !== 'translated') throw new Error(translated.status)
    expect(JSON.parse(translated.body.toString()).messages[0].content).toEqual([
      { image: { format: 'webp', source: { bytes: 'UklGRg==' } } },
    ])
  })

  it.each([
    ['of another type', 'data:image/tiff;base64,SUkq', undefined, 'url'],
    ['at an http URL', 'http://a.example/b.png', undefined, 'url'],
    ['in low detail', PNG, 'low', 'detail'],
  ])('%s are refused', (_, url, detail, field) => {
    expect(refusal(request(url, new Map(), detail)).param).toBe(`messages.0.content.0.image_url.${field}`)
  })

  it('of an unsupported type are refused after they were fetched', () => {
    const images = new Map([[URL, { mediaType: 'image/avif', base64: 'AAAA' }]])
    expect(refusal(request(URL, images)).param).toBe('messages.0.content.0.image_url.url')
  })
})
