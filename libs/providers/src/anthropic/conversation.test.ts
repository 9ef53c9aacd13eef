import { describe, expect, it } from 'vitest'
import { messageOf } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import type { ChatMessage } from '../unified/chat-request.ts'
import { toConversation } from './conversation.ts'
import { toMessageCall } from './request.ts'

const call = (id: string, text = '{}') => ({ id, type: 'function', function: { name: 'f', arguments: text } })
const text = (value: string) => ({ type: 'text', text: value })
const image = (url: string, detail?: string) => ({ type: 'image_url', image_url: { url, ...(detail && { detail }) } })
const PNG = 'data:image/png;base64,iVBORw0KGgo='

describe('messages', () => {
  it('of the system and the developer become the system prompt, in any position', () => {
    const message = messageOf(
      unifiedRequest({
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'a' },
          { role: 'developer', content: [text('Be '), text('brief.')] },
          { role: 'user', content: 'b' },
        ],
      }),
    )
    expect(message.system).toEqual([text('Be kind.'), text('Be '), text('brief.')])
    expect(message.messages).toEqual([{ role: 'user', content: [text('a'), text('b')] }])
  })

  it('that are empty are omitted', () => {
    const messages = [
      { role: 'system', content: ' ' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '' },
      { role: 'user', content: [text(''), text('b')] },
      { role: 'assistant', content: null },
      { role: 'user', content: '\n' },
    ]
    const message = messageOf(unifiedRequest({ messages }))
    expect(message).not.toHaveProperty('system')
    expect(message.messages).toEqual([{ role: 'user', content: [text('a'), text('b')] }])
  })

  it('may contain images as data URLs and at URLs', () => {
    const content = [text('What?'), image(PNG, 'auto'), image('https://a.example/b.jpg', 'high')]
    expect(messageOf(unifiedRequest({ messages: [{ role: 'user', content }] })).messages).toEqual([
      {
        role: 'user',
        content: [
          text('What?'),
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } },
          { type: 'image', source: { type: 'url', url: 'https://a.example/b.jpg' } },
        ],
      },
    ])
  })

  it.each(['image/jpg', 'image/pjpeg', 'application/octet-stream', 'image/png'])(
    'send a JPEG as one when it is labelled %s',
    (label) => {
      const data = Buffer.from('ffd8ffe000104a464946', 'hex').toString('base64')
      const content = [image(`data:${label};base64,${data}`)]
      expect(messageOf(unifiedRequest({ messages: [{ role: 'user', content }] })).messages).toEqual([
        { role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data } }] },
      ])
    },
  )

  it('with an image of an unsupported type are refused with that type', () => {
    const heic = Buffer.from('0000001866747970686569630000000068656963', 'hex').toString('base64')
    const content = [image(`data:image/jpeg;base64,${heic}`)]
    expect(toMessageCall(unifiedRequest({ messages: [{ role: 'user', content }] }))).toMatchObject({
      param: 'messages.0.content.0.image_url.url',
      message:
        'Anthropic accepts images of the types image/jpeg, image/png, image/gif, image/webp; this image is image/heic.',
    })
  })

  it('put the results of parallel tool calls first in the following turn', () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b', tool_calls: [call('c1', '{"x":[1]}'), call('c2', '')], refusal: null },
      { role: 'user', content: 'c' },
      { role: 'tool', tool_call_id: 'c2', content: 'two', name: 'f' },
      { role: 'tool', tool_call_id: 'c1', content: [text('o'), text('ne')] },
      { role: 'user', content: 'd' },
      { role: 'assistant', tool_calls: [call('c3')] },
      { role: 'tool', tool_call_id: 'c3', content: '' },
    ]
    expect(messageOf(unifiedRequest({ messages })).messages).toEqual([
      { role: 'user', content: [text('a')] },
      {
        role: 'assistant',
        content: [
          text('b'),
          { type: 'tool_use', id: 'c1', name: 'f', input: { x: [1] } },
          { type: 'tool_use', id: 'c2', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c2', content: 'two' },
          { type: 'tool_result', tool_use_id: 'c1', content: [text('o'), text('ne')] },
          text('c'),
          text('d'),
        ],
      },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c3', name: 'f', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c3' }] },
    ])
  })

  it('of the assistant include the text of its refusal', () => {
    const messages: ChatMessage[] = [
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'a' },
          { type: 'refusal', refusal: 'b' },
        ],
      },
      { role: 'user', content: 'c' },
      { role: 'assistant', content: null, refusal: 'd' },
    ]
    expect(toConversation(messages)).toMatchObject({
      messages: [{ content: [text('ab')] }, { content: [text('c')] }, { content: [text('d')] }],
    })
  })
})

describe('thinking', () => {
  const thought = { type: 'thinking', thinking: 'Hm.', signature: 'EqsF' }
  const hidden = { type: 'redacted_thinking', data: 'xyz' }
  const at = (content: number, calls: number) => ({ at: { content, tool_calls: calls } })

  it.each([
    ['before all', [{ ...thought, ...at(0, 0) }], ['thinking', 'text', 'tool_use', 'tool_use']],
    [
      'between text and calls',
      [
        { ...hidden, ...at(0, 0) },
        { ...thought, ...at(2, 0) },
        { ...thought, ...at(4, 1) },
      ],
      ['redacted_thinking', 'text', 'thinking', 'text', 'tool_use', 'thinking', 'tool_use'],
    ],
    ['at places that there are not', [{ ...thought, ...at(99, 99) }], ['text', 'tool_use', 'tool_use', 'thinking']],
    ['of another provider', undefined, ['text', 'tool_use', 'tool_use']],
  ])('is sent back %s', (_, thinking, types) => {
    const extra = thinking === undefined ? { google: { thought_signature: 'a' } } : { anthropic: { thinking } }
    const messages = [
      { role: 'assistant', content: 'abcd', tool_calls: [call('c1'), call('c2')], extra_content: extra },
      { role: 'tool', tool_call_id: 'c1', content: '1' },
      { role: 'tool', tool_call_id: 'c2', content: '2' },
    ]
    const [response] = messageOf(unifiedRequest({ messages })).messages as { content: { type: string }[] }[]
    expect(response?.content.map(({ type }) => type)).toEqual(types)
    const [block] = thinking ?? []
    if (block !== undefined) {
      const { at: _place, ...signed } = block
      expect(response?.content).toContainEqual(signed)
    }
  })

  it.each([{ thinking: [{ type: 'thinking' }] }, { thinking: 'Hm.' }, 'Hm.', { other: [] }])(
    'of another shape is refused: %j',
    (content) => {
      const messages = [{ role: 'assistant', content: 'a', extra_content: { anthropic: content } }]
      expect(toMessageCall(unifiedRequest({ messages }))).toMatchObject({
        status: 'refused',
        param: expect.stringMatching(/^messages\.0\.extra_content\.anthropic/),
      })
    },
  )
})

describe('refuses', () => {
  const requested = { role: 'assistant', tool_calls: [call('c1'), call('c2')] }
  const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: '1' })
  const user = (...content: object[]) => ({ role: 'user', content })

  it.each([
    ['only of the system', [{ role: 'system', content: 'a' }], 'messages'],
    ['without a word', [{ role: 'user', content: ' ' }], 'messages'],
    [
      'arguments no JSON',
      [{ role: 'assistant', tool_calls: [call('c', '{"a"')] }],
      'messages.0.tool_calls.0.function.arguments',
    ],
    [
      'arguments no object',
      [{ role: 'assistant', tool_calls: [call('c', '[1]')] }],
      'messages.0.tool_calls.0.function.arguments',
    ],
    ['a result of no call', [user(text('a')), result('c1')], 'messages.1.tool_call_id'],
    ['a second result', [requested, result('c1'), result('c1')], 'messages.2.tool_call_id'],
    ['a result too late', [requested, result('c1'), result('c2'), requested, result('c3')], 'messages.4.tool_call_id'],
    ['a call without result', [requested, result('c2')], 'messages.0.tool_calls.0'],
    [
      'a response before the result',
      [requested, result('c1'), { role: 'assistant', content: 'a' }],
      'messages.0.tool_calls.1',
    ],
    ['an image of a foreign type', [user(image('data:image/tiff;base64,AAAA'))], 'messages.0.content.0.image_url.url'],
    ['an image at no URL', [user(text('a'), image('http://a.example'))], 'messages.0.content.1.image_url.url'],
    ['an image in low detail', [user(image(PNG, 'low'))], 'messages.0.content.0.image_url.detail'],
  ])('%s', (_, messages, param) => {
    expect(toMessageCall(unifiedRequest({ messages }))).toMatchObject({ status: 'refused', param })
  })
})
