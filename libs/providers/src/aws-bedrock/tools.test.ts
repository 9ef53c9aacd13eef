import { describe, expect, it } from 'vitest'
import { CLAUDE, converseBody, NOVA, refusal, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { toConverseCall } from './request.ts'

const tool = (name: string, more = {}) => ({ type: 'function', function: { name, ...more } })
const TOOLS = [tool('f'), tool('g')]
const CALLED = [
  { role: 'user', content: 'a' },
  { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }] },
  { role: 'tool', tool_call_id: 'c1', content: 'x' },
]
const choose = (name: string) => ({ type: 'function', function: { name } })

it('a tool’s schema is of type object', () => {
  const parameters = { properties: { a: { type: 'string' } }, required: ['a'] }
  const tools = [tool('f', { description: 'Does.', parameters, strict: true }), tool('g', { description: ' ' })]
  expect(converseBody({ tools }).toolConfig).toEqual({
    tools: [
      {
        toolSpec: {
          name: 'f',
          description: 'Does.',
          inputSchema: { json: { type: 'object', ...parameters } },
          strict: true,
        },
      },
      { toolSpec: { name: 'g', inputSchema: { json: { type: 'object', properties: {} } } } },
    ],
  })
})

describe('the tool choice', () => {
  it.each([
    ['auto', { auto: {} }],
    ['required', { any: {} }],
    [choose('g'), { tool: { name: 'g' } }],
  ])('%j becomes %j', (tool_choice, toolChoice) => {
    expect(converseBody({ tools: TOOLS, tool_choice }).toolConfig).toMatchObject({ toolChoice })
  })

  it.each([
    [undefined, { type: 'auto' }],
    ['required', { type: 'any' }],
    [choose('g'), { type: 'tool', name: 'g' }],
  ])('%j without parallel calls becomes Claude’s own %j instead of Converse’s', (tool_choice, choice) => {
    const body = converseBody({ tools: TOOLS, tool_choice, parallel_tool_calls: false }, CLAUDE)
    expect(body.additionalModelRequestFields).toEqual({ tool_choice: { ...choice, disable_parallel_tool_use: true } })
    expect(body.toolConfig).not.toHaveProperty('toolChoice')
  })

  it('"none" omits the tools', () => {
    expect(converseBody({ tools: TOOLS, tool_choice: 'none', parallel_tool_calls: false })).not.toHaveProperty(
      'toolConfig',
    )
  })
})

it.each([
  ['none, where there are calls already', { tools: TOOLS, tool_choice: 'none', messages: CALLED }, 'tool_choice'],
  ['no tools, where there are calls already', { messages: CALLED }, 'tools'],
  ['no tools, of which one is demanded', { tool_choice: 'required' }, 'tool_choice'],
  ['a tool that is not there', { tools: TOOLS, tool_choice: choose('h') }, 'tool_choice.function.name'],
  ['one call at a time', { tools: TOOLS, parallel_tool_calls: false }, 'parallel_tool_calls'],
])('%s is refused', (_, body, param) => {
  expect(refusal(toConverseCall(unifiedRequest(body, { model: NOVA }))).param).toBe(param)
})
