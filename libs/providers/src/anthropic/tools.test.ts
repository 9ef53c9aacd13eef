import { describe, expect, it } from 'vitest'
import { messageOf } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { toMessageCall } from './request.ts'

const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const TOOLS = [
  { type: 'function', function: { name: 'weather', description: 'Now.', parameters: PARAMETERS, strict: true } },
  { type: 'function', function: { name: 'now', strict: false } },
]

it('translates tools, with and without parameters', () => {
  expect(messageOf(unifiedRequest({ tools: TOOLS })).tools).toEqual([
    { name: 'weather', description: 'Now.', input_schema: PARAMETERS, strict: true },
    { name: 'now', input_schema: { type: 'object', properties: {} } },
  ])
})

describe('the choice of a tool', () => {
  it.each([
    [{}, undefined],
    [{ tool_choice: 'auto' }, { type: 'auto' }],
    [{ tool_choice: 'none' }, { type: 'none' }],
    [{ tool_choice: 'required' }, { type: 'any' }],
    [{ tool_choice: { type: 'function', function: { name: 'now' } } }, { type: 'tool', name: 'now' }],
    [{ parallel_tool_calls: true }, undefined],
    [{ parallel_tool_calls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [{ parallel_tool_calls: false, tool_choice: 'none' }, { type: 'none' }],
    [
      { parallel_tool_calls: false, tool_choice: 'required' },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [
      { parallel_tool_calls: false, tool_choice: { type: 'function', function: { name: 'now' } } },
      { type: 'tool', name: 'now', disable_parallel_tool_use: true },
    ],
  ])('%j', (parameters, expected) => {
    expect(messageOf(unifiedRequest({ tools: TOOLS, ...parameters })).tool_choice).toEqual(expected)
  })

  it.each([{ tool_choice: 'none' }, { tool_choice: 'auto' }, { parallel_tool_calls: false }, { tools: [] }])(
    'asks for nothing without tools: %j',
    (parameters) => {
      const message = messageOf(unifiedRequest(parameters))
      expect(message).not.toHaveProperty('tool_choice')
      expect(message).not.toHaveProperty('tools')
    },
  )

  it.each([
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ tool_choice: { type: 'function', function: { name: 'now' } } }, 'tool_choice'],
    [{ tools: TOOLS, tool_choice: { type: 'function', function: { name: 'then' } } }, 'tool_choice.function.name'],
  ])('is refused for tools that do not exist: %j', (parameters, param) => {
    expect(toMessageCall(unifiedRequest(parameters))).toMatchObject({ status: 'refused', param })
  })
})
