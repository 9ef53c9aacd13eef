import { expect, it } from 'vitest'
import { withoutNulls } from './without-nulls.ts'

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
])('leaves out what is null %s', (_, body, expected) => {
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
])('takes %j as it is', (body) => {
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
