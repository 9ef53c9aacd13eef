import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { translated } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { anthropicUnified } from './adapter.ts'

it('refuses embeddings', () => {
  expect(anthropicUnified.embeddings.request(unifiedRequest({ input: 'a' }))).toMatchObject({
    status: 'refused',
    code: 'unsupported_operation',
  })
})

describe('the list of models', () => {
  const { models } = anthropicUnified

  it('is read page by page', () => {
    const data = [
      { type: 'model', id: 'claude-opus-4-7', created_at: '2026-04-14T00:00:00Z' },
      { type: 'model', id: 'claude-new', created_at: '1970-01-01T00:00:00Z' },
      { type: 'model' },
    ]
    const listed = [{ id: 'claude-opus-4-7', createdAtS: 1_776_124_800 }, { id: 'claude-new' }]
    expect(models?.query).toBe('limit=1000')
    expect(models?.headers).toEqual({ 'anthropic-version': '2023-06-01' })
    expect(models?.read({ data, has_more: false, last_id: 'claude-new' })).toEqual({ models: listed })
    expect(models?.read({ data, has_more: true, last_id: 'a&b' })).toEqual({
      models: listed,
      nextQuery: 'limit=1000&after_id=a%26b',
    })
  })

  it.each([null, [], {}, { data: {} }])('is not read from %j', (page) => {
    expect(models?.read(page)).toBeUndefined()
  })
})

describe('an error', () => {
  const { error } = anthropicUnified.chat.response(translated(unifiedRequest()).requested)

  it.each([
    ['{"type":"error","error":{"type":"not_found_error","message":"model: x"}}', 'model: x', 'not_found_error'],
    ['{"type":"error","error":{"type":"api_error"}}', 'Anthropic returned status 404.', 'api_error'],
    ['<html>', 'Anthropic returned status 404.', null],
    ['', 'Anthropic returned status 404.', null],
  ])('%s', (body, message, code) => {
    expect(error(404, Buffer.from(body), {})).toEqual({ message, code })
  })
})

it('never throws, whatever the input', () => {
  const message = fc.record(
    {
      role: fc.constantFrom('system', 'user', 'assistant', 'tool'),
      content: fc.jsonValue(),
      tool_calls: fc.jsonValue(),
      tool_call_id: fc.jsonValue(),
      extra_content: fc.jsonValue(),
    },
    { requiredKeys: ['role'] },
  )
  const body = fc.record(
    {
      messages: fc.oneof(fc.array(message), fc.jsonValue()),
      tools: fc.jsonValue(),
      tool_choice: fc.jsonValue(),
      response_format: fc.jsonValue(),
      reasoning_effort: fc.jsonValue(),
      stop: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(body, fc.jsonValue(), (given, response) => {
      anthropicUnified.chat.request(unifiedRequest(given))
      anthropicUnified.models?.read(response)
      const { translator, error } = anthropicUnified.chat.response(translated(unifiedRequest()).requested)
      for (const json of [response, { content: response }, { content: [response], usage: response }]) {
        const whole = translator('application/json')
        whole.push(Buffer.from(JSON.stringify(json)))
        whole.end()
        error(400, Buffer.from(JSON.stringify(json)), {})
      }
    }),
    { numRuns: 500 },
  )
})
