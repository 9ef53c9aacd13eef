import { expect, it } from 'vitest'
import { translationOf } from '../../test/fixtures/unified/unified-chat.ts'
import { readChatRequest } from './read-chat-request.ts'

const NOTHING = { provider: 'Example', parameters: new Set<never>() }
const MESSAGES = [{ role: 'user', content: 'Hi' }]

it.each(['__proto__', '__defineGetter__', 'constructor', 'toString'])(
  'refuses the parameter "%s" as any that is not known',
  (name) => {
    const body = JSON.parse(`{"model":"m","messages":${JSON.stringify(MESSAGES)},"${name}":1}`)
    expect(readChatRequest(body, NOTHING)).toMatchObject({ status: 'refused', param: name })
  },
)

it('looks no further than the first message that is wrong', () => {
  // Not listed among its members: only who checks the message as one asks for it.
  const unread = Object.defineProperty({}, 'role', {
    get() {
      throw new Error('looked at')
    },
  })
  const messages = [...MESSAGES, { role: 'user', content: 7 }, unread]
  expect(readChatRequest({ model: 'm', messages }, NOTHING)).toMatchObject({ param: 'messages.1.content' })
})

it('regards null as not given, at any depth', () => {
  const response = {
    role: 'assistant',
    content: null,
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
  }
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
  const body = {
    model: 'm',
    messages: [
      { role: 'user', content: 'Hi', name: null },
      { ...response, content: 'Hi', tool_calls: null },
      { ...response, annotations: [], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: '1', name: null },
    ],
    tools: [{ type: 'function', function: { name: 'f', description: null, parameters: null, strict: null } }],
    stream: true,
    stream_options: { include_usage: null, include_obfuscation: null },
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'j', description: null, strict: null, schema: { enum: [null] } },
    },
  }
  expect(readChatRequest(body, { provider: 'Example', parameters: new Set(['response_format']) })).toEqual({
    model: 'm',
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hi' },
      { role: 'assistant', content: null, annotations: [], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: '1' },
    ],
    tools: [{ type: 'function', function: { name: 'f' } }],
    stream: true,
    stream_options: {},
    response_format: { type: 'json_schema', json_schema: { name: 'j', schema: { enum: [null] } } },
  })
})

it('takes null as the content of an assistant’s message only', () => {
  const messages = [{ role: 'user', content: null }]
  expect(readChatRequest({ model: 'm', messages }, NOTHING)).toMatchObject({ param: 'messages.0.content' })
})

it.each([
  ['tools.0.function.name', { tools: [{ type: 'function', function: { name: 'get weather' } }] }],
  [
    'response_format.json_schema.name',
    { response_format: { type: 'json_schema', json_schema: { name: 'größe', schema: {} } } },
  ],
])('says in words what a name may be: %s', (param, more) => {
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...more }
  expect(translationOf('anthropic', 'claude-sonnet-4-6', body)).toMatchObject({
    param,
    message: `The parameter "${param}" must be 1 to 64 letters (a to z, A to Z), digits, "_" and "-".`,
  })
})

it.each([
  [{ tools: [{ type: 'custom', function: { name: 'f' } }] }, 'tools.0.type', 'must be "function"'],
  [{ stream_options: { include_obfuscation: true } }, 'stream_options.include_obfuscation', 'must be false'],
  [{ metadata: { team: 7 } }, 'metadata.team', 'must be a string, not a number'],
])('describes what is wrong with %j', (more, param, words) => {
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...more }
  expect(translationOf('aws-bedrock', 'amazon.nova-lite-v1:0', body)).toMatchObject({
    param,
    message: `The parameter "${param}" ${words}.`,
  })
})
