import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frame } from '../../test/fixtures/aws-bedrock/frames.ts'
import {
  sentText,
  TRANSLATED,
  type TranslatedProvider,
  translatedResponse,
} from '../../test/fixtures/unified/unified-chat.ts'

/** JSON objects that JavaScript does not write as it reads them. */
const OBJECTS = [
  ['integers beyond 2^53', '{"user_id":1234567890123456789,"n":9007199254740993}'],
  [
    'numbers of other spellings',
    '{"least":-9223372036854775808,"large":1e400,"small":1e-400,"one":1.0,"zero":-0,"e":1E+2,"pi":3.141592653589793238}',
  ],
  ['names that are numbers', '{"10":1,"2":2,"b":3,"1":4}'],
  ['a name twice, and names of objects’ own', '{"a":1,"a":2,"__proto__":{"x":1},"constructor":null}'],
  ['escapes', '{"text":"\\u00e9\\/\\ud83d\\ude42 \\u0041 \\"{,:}[\\\\","é🙂":[[],{},[{"":0}]]}'],
  ['deep nesting', `{"deep":${'['.repeat(150)}1.50${']'.repeat(150)}}`],
  ['a long string', `{"long":"${'a\\"b\\\\'.repeat(5_000)}","id":123456789012345678901234567890}`],
  ['nothing', '{}'],
] as const

describe.each(TRANSLATED)('a request for %s', (provider, model) => {
  const callOf = (text: string) => ({ id: 'c1', type: 'function', function: { name: 'f', arguments: text } })
  const conversation = (text: string) => [
    { role: 'user', content: 'Who?' },
    { role: 'assistant', content: null, tool_calls: [callOf(text)] },
    { role: 'tool', tool_call_id: 'c1', content: '{"id":1234567890123456789}' },
  ]
  const tools = '[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]'

  it.each(OBJECTS)('has the arguments of tool calls as they are written: %s', (_, text) => {
    const messages = JSON.stringify(conversation(text))
    expect(sentText(provider, model, `{"model":"m","messages":${messages},"tools":${tools}}`)).toContain(`:${text}`)
  })

  it('has arguments without the white space between their tokens', () => {
    const messages = conversation(' {"a" : [ 1.0,\n\t"b  \\" c" ] }\r\n')
    expect(sentText(provider, model, { model: 'm', messages, tools: JSON.parse(tools) })).toContain(
      ':{"a":[1.0,"b  \\" c"]}',
    )
  })

  it('has halves of surrogate pairs in arguments', () => {
    const messages = conversation('{"a":"\ud800"}')
    const sent = sentText(provider, model, { model: 'm', messages, tools: JSON.parse(tools) })
    expect(sent).toContain('{"a":"\\ud800"}')
  })

  it('has the result of a tool as the text that it is', () => {
    const sent = sentText(provider, model, { model: 'm', messages: conversation('{}'), tools: JSON.parse(tools) })
    expect(sent).toContain(JSON.stringify('{"id":1234567890123456789}'))
  })

  it.each(OBJECTS)('has the schemas of tools as they are written: %s', (_, text) => {
    const schema = `{"type":"object","properties":{},"x-any":${text},"maximum":9223372036854775807}`
    const tool = (name: string, parameters: string) =>
      `{"type":"function","function":{"description":"{\\"parameters\\":1}","parameters":${parameters},"name":"${name}"}}`
    const body = `{"tools" : [ ${tool('f', schema)},${tool('g', '{"type":"object","properties":{}}')} ],
      "model":"m", "messages":[{"role":"user","content":"\\"tools\\":[] \\\\\\" é"}]}`
    expect(sentText(provider, model, body)).toContain(schema)
  })

  it.each(OBJECTS)('has the schema of the response as it is written: %s', (_, text) => {
    const schema = `{"type":"object","x-any":${text},"maximum":9223372036854775807}`
    const body = `{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"j","schema":${schema}}},
      "messages":[{"role":"user","content":"Hi"}]}`
    // AWS Bedrock takes it as text.
    const sent = sentText(provider, model, body)
    expect(
      provider === 'aws-bedrock' ? JSON.parse(sent).outputConfig.textFormat.structure.jsonSchema.schema : sent,
    ).toContain(schema)
  })

  it.each(OBJECTS)('has the schema that a tool stands for as it is written: %s', (_, text) => {
    const older = { anthropic: 'claude-3-haiku-20240307', 'aws-bedrock': 'amazon.nova-lite-v1:0', google: model }[
      provider
    ]
    const schema = `{"type":"object","properties":{"a":{"x-any":${text},"maximum":9223372036854775807}}}`
    const body = `{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"j","schema":${schema}}},
      "messages":[{"role":"user","content":"Hi"}]}`
    expect(sentText(provider, older, body)).toContain(`"x-any":${text},"maximum":9223372036854775807}`)
  })

  it.each([
    [
      'names with escapes',
      '"t\\u006fols":[{"type":"function","f\\u0075nction":{"name":"f","\\u0070arameters":SCHEMA}}]',
    ],
    [
      'members twice, of which the last counts',
      '"tools":[],"tools":[{"type":"function","function":{"name":"g"},"function":{"name":"f","parameters":{"maximum":1},"parameters":SCHEMA}}]',
    ],
    [
      'nulls beside it',
      '"tools":[{"type":"function","function":{"name":"f","strict":null,"parameters":SCHEMA,"description":null}}]',
    ],
  ])('finds schemas in %s', (_, tools) => {
    const schema = '{"type":"object","properties":{"a":{"maximum":9223372036854775807}}}'
    const body = `{"model":"m","messages":[{"role":"user","content":"Hi"}],${tools.replace('SCHEMA', schema)}}`
    expect(sentText(provider, model, body)).toContain(schema)
  })

  it('has a text that looks like what holds the place of JSON, as it is', () => {
    const texts = ['"\\u0041"', '\u0041', '\\u0041', '"\\\\u0041"', '\\"\\u0041\\"']
    const messages = [...conversation('{"n":1.0}'), ...texts.map((content) => ({ role: 'user', content }))]
    const sent = sentText(provider, model, { model: 'm', messages, tools: JSON.parse(tools) })
    expect(sent).toContain('{"n":1.0}')
    for (const text of texts) expect(sent).toContain(`:${JSON.stringify(text)}`)
  })

  it('means the same to JavaScript as what came, whatever the JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const body = {
          model: 'm',
          messages: conversation(text),
          tools: [{ type: 'function', function: { name: 'f', parameters: value } }],
        }
        const sent = sentText(provider, model, JSON.stringify(body, null, indent))
        expect(sent).toContain(`:${JSON.stringify(value)}`)
        expect(() => JSON.parse(sent)).not.toThrow()
      }),
    )
  })
})

describe.each(TRANSLATED)('a response of %s', (provider, model) => {
  it.each(OBJECTS)('has arguments as they are written: %s', (_, text) => {
    const spaced = `  ${text.replace(/^{/, '{\n  ')}  `
    const body = Buffer.from(WHOLE[provider](spaced))
    const response = translatedResponse(provider, model, { stream: false, body, contentType: 'application/json' })
    const calls = JSON.parse(response).choices[0].message.tool_calls
    expect(calls.map((call: { function: object }) => call.function)).toEqual([
      { name: 'f', arguments: text },
      { name: 'g', arguments: '{"args":1,"input":2.50}' },
    ])
  })

  it.each(OBJECTS)('has arguments as they are written in a stream: %s', (_, text) => {
    const { body, contentType } = STREAM[provider](text)
    const events = translatedResponse(provider, model, { stream: true, body, contentType })
    const deltas = [...events.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data).choices[0]?.delta)
    const pieces = deltas.map((delta) => delta?.tool_calls?.[0].function?.arguments ?? '')
    expect(pieces.join('')).toBe(text)
  })
})

const OTHER = '{"args":1,"input":2.50}'

/** Whole responses with two tool calls. */
const WHOLE: Readonly<Record<TranslatedProvider, (text: string) => string>> = {
  anthropic: (text) =>
    `{"content":[{"type":"text","text":"\\"input\\":{}"},{"type":"tool_use","id":"t1","name":"f","input":${text}},
    {"type":"tool_use","id":"t2","input":${OTHER},"name":"g"}],"stop_reason":"tool_use","type":"message"}`,
  google: (text) =>
    `{"candidates":[{"content":{"parts":[{"text":"args"},{"functionCall":{"name":"f","args":${text}}},
    {"functionCall":{"args":${OTHER},"name":"g"}}]},"finishReason":"STOP"}]}`,
  'aws-bedrock': (text) =>
    `{"metrics":{},"output":{"message":{"content":[{"text":"x"},{"toolUse":{"toolUseId":"t1","name":"f","input":${text}}},
    {"toolUse":{"input":${OTHER},"toolUseId":"t2","name":"g"}}]}},"stopReason":"tool_use"}`,
}

const sse = (...events: string[]) => ({
  body: Buffer.from(events.map((event) => `data: ${event}\n\n`).join('')),
  contentType: 'text/event-stream',
})

/**
 * Streams with one tool call. Anthropic's says its arguments where the call starts, as those of compatible servers do.
 */
const STREAM: Readonly<
  Record<TranslatedProvider, (text: string) => { readonly body: Buffer; readonly contentType: string }>
> = {
  anthropic: (text) =>
    sse(
      '{"type":"message_start","message":{"usage":{}}}',
      `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t1","name":"f","input":${text}}}`,
      '{"type":"content_block_stop","index":0}',
      '{"type":"message_delta","delta":{"stop_reason":"tool_use"}}',
      '{"type":"message_stop"}',
    ),
  google: (text) =>
    sse(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${text}}}]},"finishReason":"STOP"}]}`),
  'aws-bedrock': (text) => ({
    body: Buffer.concat([
      frame('event', 'contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't1', name: 'f' } } }),
      ...[text.slice(0, 9), text.slice(9)].map((input) =>
        frame('event', 'contentBlockDelta', { contentBlockIndex: 0, delta: { toolUse: { input } } }),
      ),
      frame('event', 'contentBlockStop', { contentBlockIndex: 0 }),
      frame('event', 'messageStop', { stopReason: 'tool_use' }),
    ]),
    contentType: 'application/vnd.amazon.eventstream',
  }),
}
