import { describe, expect, it } from 'vitest'
import { streamBytes } from '../../test/fixtures/anthropic/message-streams.ts'
import { frame } from '../../test/fixtures/aws-bedrock/frames.ts'
import { anthropic } from '../anthropic/adapter.ts'
import { awsBedrock } from '../aws-bedrock/adapter.ts'
import { isRecord } from '../wire/json.ts'

const ADAPTERS = { anthropic, 'aws-bedrock': awsBedrock }
type Provider = keyof typeof ADAPTERS

const NOVA = 'us.amazon.nova-lite-v1:0'
const LLAMA = 'us.meta.llama3-3-70b-instruct-v1:0'
const MISTRAL = 'mistral.mistral-large-2407-v1:0'
const OLD_ON_BEDROCK = 'anthropic.claude-3-5-sonnet-20241022-v2:0'
const OLD_CLAUDE = 'claude-sonnet-4-20250514'
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
const FORMAT = {
  type: 'json_schema',
  json_schema: { name: 'answer', description: 'An a.', schema: SCHEMA, strict: true },
}
const OTHER = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } }
const named = (name: string) => ({ type: 'function', function: { name } })

function translate(provider: Provider, model: string, body: object = {}) {
  const requested = { model: 'prod/m', messages: [{ role: 'user', content: 'Hi' }], response_format: FORMAT, ...body }
  return ADAPTERS[provider].unified.chat.request({
    body: requested,
    bytes: Buffer.alloc(0),
    model,
    defaultMaxOutputTokens: 4_096,
    images: new Map(),
    responseId: 'a1',
    receivedAtMs: 1_700_000_000_900,
  })
}

function call(provider: Provider, model: string, body?: object) {
  const translation = translate(provider, model, body)
  if (translation.status !== 'translated') throw new Error(JSON.stringify(translation))
  return { body: JSON.parse(translation.body.toString()), requested: translation.requested }
}

/** The part of the request about tools. */
function tools(model: string, body?: object) {
  const sent = call('aws-bedrock', model, body).body
  expect(sent).not.toHaveProperty('outputConfig')
  return {
    names: sent.toolConfig?.tools.map(({ toolSpec }: { toolSpec: { name: string } }) => toolSpec.name),
    choice: sent.toolConfig?.toolChoice,
  }
}

describe('a schema', () => {
  it('is a tool that must be called, for a Nova', () => {
    const { toolConfig } = call('aws-bedrock', NOVA).body
    expect(toolConfig).toEqual({
      tools: [
        {
          toolSpec: {
            name: 'answer',
            description: expect.stringMatching(/^An a\.\n\n.*call this tool once/),
            inputSchema: { json: SCHEMA },
          },
        },
      ],
      toolChoice: { tool: { name: 'answer' } },
    })
  })

  it('is a tool for a Claude that is too old for a field', () => {
    const { body } = call('anthropic', OLD_CLAUDE)
    expect(body).not.toHaveProperty('output_config')
    expect(body.tools).toEqual([{ name: 'answer', description: expect.any(String), input_schema: SCHEMA }])
    expect(body.tool_choice).toEqual({ type: 'tool', name: 'answer' })
    expect(tools(OLD_ON_BEDROCK)).toEqual({ names: ['answer'], choice: { tool: { name: 'answer' } } })
  })

  it.each([
    [MISTRAL, { any: {} }],
    [LLAMA, undefined],
    ['meta.llama4-scout-17b-instruct-v1:0', undefined],
    ['cohere.command-r-plus-v1:0', undefined],
    ['amazon.nova-2-lite-v1:0', { tool: { name: 'answer' } }],
    ['ai21.jamba-1-5-large-v1:0', undefined],
    ['us.writer.palmyra-x5-v1:0', undefined],
    ['writer.palmyra-x4-v1:0', undefined],
    ['us.meta.llama3-2-11b-instruct-v1:0', undefined],
    ['us.anthropic.claude-opus-4-7', { tool: { name: 'answer' } }],
    ['eu.anthropic.claude-opus-4-8-v1', { tool: { name: 'answer' } }],
    ['global.anthropic.claude-sonnet-5', { tool: { name: 'answer' } }],
    ['anthropic.claude-opus-5-5-v1:0', { tool: { name: 'answer' } }],
    ['anthropic.claude-mythos-preview', { tool: { name: 'answer' } }],
  ])('is a tool that is demanded as far as %s can be made to', (model, choice) => {
    expect(tools(model)).toEqual({ names: ['answer'], choice })
  })

  it.each([
    ['anthropic', 'claude-opus-4-1'],
    ['anthropic', 'claude-haiku-4-5'],
    ['anthropic', 'claude-opus-latest'],
  ] as const)('is a field with %s for %s', (provider, model) => {
    expect(call(provider, model).body).toMatchObject({ output_config: { format: { type: 'json_schema' } } })
    expect(call(provider, model).body).not.toHaveProperty('tools')
  })

  it.each([
    'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us.anthropic.claude-opus-4-6-v1',
    'us.amazon.nova-3-lite-v1:0',
    'openai.gpt-oss-120b-1:0',
    'qwen.qwen3-32b-v1:0',
    'meta.muse-1-v1:0',
    'mistral.mistral-large-3-675b-instruct',
    'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3',
  ])('is a field on Bedrock for %s', (model) => {
    const { body } = call('aws-bedrock', model)
    expect(body).toMatchObject({ outputConfig: { textFormat: { type: 'json_schema' } } })
    expect(body).not.toHaveProperty('toolConfig')
  })

  it.each([
    ['aws-bedrock', 'amazon.titan-text-express-v1'],
    ['aws-bedrock', 'meta.llama3-8b-instruct-v1:0'],
    ['aws-bedrock', 'us.meta.llama3-2-1b-instruct-v1:0'],
    ['aws-bedrock', 'meta.llama3-2-3b-instruct-v1:0'],
    ['aws-bedrock', 'ai21.jamba-instruct-v1:0'],
    ['aws-bedrock', 'us.deepseek.r1-v1:0'],
    ['aws-bedrock', 'mistral.mixtral-8x7b-instruct-v0:1'],
    ['aws-bedrock', 'anthropic.claude-v2:1'],
    ['anthropic', 'claude-2.1'],
  ] as const)('is refused in the caller’s terms with %s for %s, which has no tools either', (provider, model) => {
    expect(translate(provider, model)).toMatchObject({
      status: 'refused',
      param: 'response_format',
      message: expect.stringContaining(`"${model}"`),
    })
  })

  it('that is none of an object is refused where it would be a tool’s', () => {
    const format = { type: 'json_schema', json_schema: { name: 'list', schema: { type: 'array', items: {} } } }
    expect(translate('aws-bedrock', NOVA, { response_format: format })).toMatchObject({
      param: 'response_format.json_schema.schema.type',
    })
  })

  it.each([
    ['anthropic', OLD_CLAUDE],
    ['aws-bedrock', 'anthropic.claude-opus-4-20250514-v1:0'],
  ] as const)('excludes thinking with %s for %s, which says so by name', (provider, model) => {
    expect(translate(provider, model, { reasoning_effort: 'low' })).toMatchObject({
      status: 'refused',
      param: 'response_format',
    })
    expect(translate(provider, model, { reasoning_effort: 'none' }).status).toBe('translated')
  })
})

it('goes with the thinking of a newer Claude on Bedrock, which takes a demanded tool beside it', () => {
  const { body } = call('aws-bedrock', 'us.anthropic.claude-opus-4-7', { reasoning_effort: 'low' })
  expect(body.toolConfig.toolChoice).toEqual({ tool: { name: 'answer' } })
  expect(body.additionalModelRequestFields).toMatchObject({ thinking: { type: 'adaptive' } })
})

describe('beside the application’s tools', () => {
  it('either they or the schema’s must be called', () => {
    for (const choice of [undefined, 'auto']) {
      expect(tools(NOVA, { tools: [OTHER], tool_choice: choice })).toEqual({
        names: ['look', 'answer'],
        choice: { any: {} },
      })
    }
    expect(call('anthropic', OLD_CLAUDE, { tools: [OTHER] }).body.tool_choice).toEqual({ type: 'any' })
  })

  it('the schema is not needed where one of them is demanded', () => {
    expect(tools(NOVA, { tools: [OTHER], tool_choice: 'required' })).toEqual({ names: ['look'], choice: { any: {} } })
    expect(tools(NOVA, { tools: [OTHER], tool_choice: named('look') })).toEqual({
      names: ['look'],
      choice: { tool: { name: 'look' } },
    })
  })

  it('the schema’s is alone where none of them may be called', () => {
    expect(tools(NOVA, { tools: [OTHER], tool_choice: 'none' })).toEqual({
      names: ['answer'],
      choice: { tool: { name: 'answer' } },
    })
  })

  it.each([NOVA, LLAMA, MISTRAL])('%s needs none of them to have one call at a time', (model) => {
    expect(tools(model, { parallel_tool_calls: false }).names).toEqual(['answer'])
    expect(tools(model, { parallel_tool_calls: false, tools: [OTHER], tool_choice: 'none' }).names).toEqual(['answer'])
    expect(translate('aws-bedrock', model, { parallel_tool_calls: false, tools: [OTHER] })).toMatchObject({
      status: 'refused',
      param: 'parallel_tool_calls',
    })
  })

  it('the schema’s has a name of its own', () => {
    const same = { type: 'function', function: { name: 'answer' } }
    expect(tools(NOVA, { tools: [same] }).names).toEqual(['answer', 'json_response_1'])
  })
})

describe('the response', () => {
  const input = { a: 'größer', n: [1] }
  const toolUse = (name: string, value: object) => ({ toolUse: { toolUseId: `t-${name}`, name, input: value } })
  const converse = (stopReason: string, ...content: object[]) => ({
    output: { message: { role: 'assistant', content } },
    stopReason,
    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
  })

  function whole(provider: Provider, model: string, response: object, body?: object) {
    const { requested } = call(provider, model, body)
    const translator = ADAPTERS[provider].unified.chat.response(requested).translator('application/json')
    translator.push(Buffer.from(JSON.stringify(response)))
    const [choice] = JSON.parse(String(translator.end())).choices
    return choice
  }

  it('has the arguments of the tool as its content, and the finish reason stop', () => {
    const response = converse('tool_use', { text: 'Here it is:' }, toolUse('answer', input))
    const choice = whole('aws-bedrock', NOVA, response)
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant', refusal: null } })
    expect(JSON.parse(choice.message.content)).toEqual(input)
    expect(choice.message).not.toHaveProperty('tool_calls')

    const message = {
      type: 'message',
      content: [{ type: 'tool_use', id: 't', name: 'answer', input }],
      stop_reason: 'tool_use',
      usage: { input_tokens: 1, output_tokens: 2 },
    }
    const claude = whole('anthropic', OLD_CLAUDE, message)
    expect(claude).toMatchObject({ finish_reason: 'stop' })
    expect(JSON.parse(claude.message.content)).toEqual(input)
    expect(claude.message).not.toHaveProperty('tool_calls')
  })

  it('has the calls of the application’s tools as ever', () => {
    const choice = whole('aws-bedrock', NOVA, converse('tool_use', { text: 'Hm.' }, toolUse('look', {})), {
      tools: [OTHER],
    })
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Hm.', tool_calls: [{ function: { name: 'look' } }] },
    })
  })

  it('has its text where the model did not call the tool, and says where it was cut off', () => {
    expect(whole('aws-bedrock', LLAMA, converse('end_turn', { text: '{"a":"b"}' }))).toMatchObject({
      finish_reason: 'stop',
      message: { content: '{"a":"b"}' },
    })
    expect(whole('aws-bedrock', NOVA, converse('max_tokens', toolUse('answer', {})))).toMatchObject({
      finish_reason: 'length',
      message: { content: '' },
    })
    const claude = {
      type: 'message',
      content: [{ type: 'tool_use', id: 't', name: 'answer', input: {} }],
      stop_reason: 'max_tokens',
      usage: { input_tokens: 1, output_tokens: 2 },
    }
    expect(whole('anthropic', OLD_CLAUDE, claude)).toMatchObject({ finish_reason: 'length', message: { content: '' } })
  })

  it('leaves a tool of that name alone where no schema was requested', () => {
    const body = { tools: [{ type: 'function', function: { name: 'answer' } }], response_format: null }
    expect(whole('aws-bedrock', NOVA, converse('tool_use', toolUse('answer', {})), body)).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'answer' } }] },
    })
  })
})

describe('a stream', () => {
  interface Said {
    content: string
    calls: unknown[]
    finish: unknown
    chunks: number
  }

  function read(provider: Provider, model: string, pieces: readonly Buffer[], body: object = {}): Said {
    const { requested } = call(provider, model, { stream: true, ...body })
    const type = provider === 'anthropic' ? 'text/event-stream' : 'application/vnd.amazon.eventstream'
    const translator = ADAPTERS[provider].unified.chat.response(requested).translator(type)
    const text = Buffer.concat([...pieces.map((piece) => translator.push(piece)), translator.end() ?? Buffer.alloc(0)])
    const said: Said = { content: '', calls: [], finish: undefined, chunks: 0 }
    for (const event of text.toString().split('\n\n')) {
      if (!event.startsWith('data: {')) continue
      const chunk: unknown = JSON.parse(event.slice('data: '.length))
      if (!isRecord(chunk) || !Array.isArray(chunk.choices)) throw new Error(event)
      const [{ delta, finish_reason: finish }] = chunk.choices
      said.content += delta.content ?? ''
      if (delta.content) said.chunks++
      said.calls.push(...(delta.tool_calls ?? []))
      said.finish = finish ?? said.finish
    }
    return said
  }

  const event = (type: string, payload: object) => frame('event', type, payload)
  const start = (index: number, name: string) =>
    event('contentBlockStart', { contentBlockIndex: index, start: { toolUse: { toolUseId: `t${index}`, name } } })
  const delta = (index: number, value: object) => event('contentBlockDelta', { contentBlockIndex: index, delta: value })
  const stop = (index: number) => event('contentBlockStop', { contentBlockIndex: index })
  const ended = (stopReason: string) => event('messageStop', { stopReason })

  it('has the pieces that the tool is given as its content, as they come, without what the model wrote before', () => {
    const frames = [
      delta(0, { text: '<thinking>Hm.</thinking>' }),
      stop(0),
      start(1, 'answer'),
      delta(1, { toolUse: { input: '{"a":' } }),
      delta(1, { toolUse: { input: '"b"}' } }),
      stop(1),
      ended('tool_use'),
    ]
    expect(read('aws-bedrock', NOVA, frames)).toEqual({ content: '{"a":"b"}', calls: [], finish: 'stop', chunks: 2 })
  })

  it('of an old Claude has them, too', () => {
    const stream = streamBytes([
      { type: 'message_start', message: { id: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't', name: 'answer', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '1}' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ] as { type: string }[])
    expect(read('anthropic', OLD_CLAUDE, [stream])).toEqual({
      content: '{"a":1}',
      calls: [],
      finish: 'stop',
      chunks: 2,
    })
  })

  it.each(['max_tokens', 'model_context_window_exceeded'])(
    'has no content where it is cut off before the tool is given anything, by %s',
    (reason) => {
      const frames = [start(0, 'answer'), stop(0), ended(reason)]
      expect(read('aws-bedrock', NOVA, frames)).toMatchObject({ content: '', calls: [], finish: 'length' })
      const message = streamBytes([
        { type: 'message_start', message: { id: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', id: 't', name: 'answer', input: {} },
        },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: reason }, usage: { output_tokens: 1 } },
        { type: 'message_stop' },
      ] as { type: string }[])
      expect(read('anthropic', OLD_CLAUDE, [message])).toMatchObject({ content: '', calls: [], finish: 'length' })
    },
  )

  it('has an object where the tool is given nothing, and the first of two', () => {
    const twice = [
      start(0, 'answer'),
      stop(0),
      start(1, 'answer'),
      delta(1, { toolUse: { input: '{"b":1}' } }),
      stop(1),
    ]
    expect(read('aws-bedrock', NOVA, [...twice, ended('tool_use')])).toMatchObject({ content: '{}', finish: 'stop' })
  })

  it('has text and calls where the model did not call it', () => {
    const frames = [delta(0, { text: 'I ' }), delta(0, { text: 'look.' }), stop(0), start(1, 'look'), stop(1)]
    expect(read('aws-bedrock', NOVA, [...frames, ended('tool_use')], { tools: [OTHER] })).toMatchObject({
      content: 'I look.',
      calls: [{ function: { name: 'look' } }, { function: { arguments: '{}' } }],
      finish: 'tool_calls',
    })
    const text = [delta(0, { text: '{"a":1}' }), stop(0), ended('end_turn')]
    expect(read('aws-bedrock', LLAMA, text)).toMatchObject({ content: '{"a":1}', calls: [], finish: 'stop' })
  })
})
