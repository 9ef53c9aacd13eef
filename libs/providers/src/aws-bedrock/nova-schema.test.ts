import { describe, expect, it } from 'vitest'
import {
  CLAUDE,
  converseBody,
  NOVA,
  nativeCall,
  refusal,
  unifiedRequest,
} from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { toConverseCall } from './request.ts'

const withTool = (schema: string, model = NOVA) => {
  const text =
    `{"model":"m","messages":[{"role":"user","content":"Hi"}],` +
    `"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}]}`
  return toConverseCall(unifiedRequest(JSON.parse(text), { model, bytes: Buffer.from(text) }))
}
/** Returns the text of the schema in the request. */
function sent(schema: string, model?: string): string {
  const text = nativeCall(withTool(schema, model)).body.toString()
  return text.slice(text.indexOf('"json":') + '"json":'.length, text.lastIndexOf('}}}]}'))
}
const format = (schema: object) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } },
})

it.each([NOVA, 'us.amazon.nova-premier-v1:0', 'amazon.nova-2-lite-v1:0', 'global.amazon.nova-3-pro-v1:0'])(
  'a schema goes to %s without what says nothing, and the rest as it was written',
  (model) => {
    const schema =
      '{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"F","type":"object","description":"Does.",' +
      '"properties":{"n":{"type":"integer","maximum":12345678901234567890,"default":1.0}},"required":["n"],' +
      '"additionalProperties":false,"x-order":[1]}'
    expect(sent(schema, model)).toBe(
      '{"type":"object","properties":{"n":{"type":"integer","maximum":12345678901234567890,"default":1.0}},"required":["n"]}',
    )
  },
)

it('the schema is unchanged for other models', () => {
  const schema = '{"type":"object","properties":{},"additionalProperties":false,"$defs":{}}'
  expect(sent(schema, CLAUDE)).toBe(schema)
})

it.each([
  ['{}', '{"type":"object","properties":{}}'],
  ['{"properties":{"a":{}}}', '{"type":"object","properties":{"a":{}}}'],
  ['{"additionalProperties":{},"type":"object"}', '{"properties":{},"type":"object"}'],
  ['{"ti\\u0074le":"x","typ\\u0065":"object"}', '{"properties":{},"typ\\u0065":"object"}'],
])('%s becomes %s', (schema, expected) => {
  expect(sent(schema)).toBe(expected)
})

it('the schema’s description becomes the tool’s where it has none', () => {
  const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', description: 'Does.' } } }
  const { toolConfig } = converseBody({ tools: [tool] })
  expect(toolConfig).toMatchObject({ tools: [{ toolSpec: { description: 'Does.' } }] })
})

describe('references', () => {
  it.each([
    [
      'pydantic’s',
      '{"$defs":{"Place":{"type":"object","properties":{"lat":{"type":"number","minimum":-90.0}}}},' +
        '"type":"object","properties":{"from":{"$ref":"#/$defs/Place"},"via":{"type":"array","items":{"$ref":"#/$defs/Place"}}}}',
      '{"type":"object","properties":{"from":{"type":"object","properties":{"lat":{"type":"number","minimum":-90.0}}},' +
        '"via":{"type":"array","items":{"type":"object","properties":{"lat":{"type":"number","minimum":-90.0}}}}}}',
    ],
    [
      'a root that is one',
      '{"$ref":"#/definitions/F","definitions":{"F":{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}},' +
        '"$schema":"http://json-schema.org/draft-07/schema#"}',
      '{"type":"object","properties":{"a":{"type":"string"}}}',
    ],
    [
      'one beside a description of its own',
      '{"$defs":{"A":{"type":"string","description":"any"}},"properties":{"a":{"$ref":"#/$defs/A","description":"this"}}}',
      '{"type":"object","properties":{"a":{"description":"this","type":"string"}}}',
    ],
    [
      'one beside a constraint of the same name',
      '{"$defs":{"A":{"type":"integer","minimum":1}},"properties":{"a":{"$ref":"#/$defs/A","minimum":5}}}',
      '{"type":"object","properties":{"a":{"minimum":5,"allOf":[{"type":"integer","minimum":1}]}}}',
    ],
    [
      'one of a definition that has another',
      '{"$defs":{"A":{"anyOf":[{"$ref":"#/$defs/B"},{"type":"null"}]},"B":{"enum":["x"]}},"properties":{"a":{"$ref":"#/$defs/A"}}}',
      '{"type":"object","properties":{"a":{"anyOf":[{"enum":["x"]},{"type":"null"}]}}}',
    ],
    [
      'pointers with escapes, to properties and to items',
      '{"$defs":{"a/b~c":{"type":"null"}},"properties":{"a":{"$ref":"#/$defs/a~1b~0c"},"b":{"anyOf":[{"type":"string"}]},' +
        '"c":{"$ref":"#/properties/b/anyOf/0"},"d":{"$ref":"#/$defs/a~1b%7E0c"}}}',
      '{"type":"object","properties":{"a":{"type":"null"},"b":{"anyOf":[{"type":"string"}]},"c":{"type":"string"},"d":{"type":"null"}}}',
    ],
    [
      'what only looks like one',
      '{"properties":{"$ref":{"type":"string"},"a":{"enum":[{"$ref":"#/x"}],"default":{"$ref":"#"}},"b":{"$ref":"https://a.example/s"}}}',
      '{"type":"object","properties":{"$ref":{"type":"string"},"a":{"enum":[{"$ref":"#/x"}],"default":{"$ref":"#"}},"b":{"$ref":"https://a.example/s"}}}',
    ],
    [
      'of a property that is called like a keyword',
      '{"$defs":{"A":{"type":"string"}},"properties":{"default":{"$ref":"#/$defs/A"},"enum":{"$ref":"#/$defs/A"},"$defs":{"$ref":"#/$defs/A"}}}',
      '{"type":"object","properties":{"default":{"type":"string"},"enum":{"type":"string"},"$defs":{"type":"string"}}}',
    ],
    [
      'spelt with escapes',
      '{"$defs":{"A":{"type":"string"}},"properties":{"a":{"\\u0024ref":"#/$defs/A"}}}',
      '{"type":"object","properties":{"a":{"type":"string"}}}',
    ],
  ])('are replaced by their definitions: %s', (_, schema, expected) => {
    expect(sent(schema)).toBe(expected)
  })

  const bomb = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [
      `d${index}`,
      { anyOf: [{ $ref: `#/$defs/d${index + 1}` }, { $ref: `#/$defs/d${index + 1}` }] },
    ]),
  )
  it.each([
    [
      'a tree',
      {
        $defs: { T: { properties: { c: { items: { $ref: '#/$defs/T' } } } } },
        properties: { t: { $ref: '#/$defs/T' } },
      },
      /refers to itself: "#\/\$defs\/T"/,
    ],
    ['itself', { properties: { a: { $ref: '#' } } }, /refers to itself: "#"/],
    [
      'a loop',
      { $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } }, $ref: '#/$defs/A' },
      /refers to itself/,
    ],
    ['nothing', { properties: { a: { $ref: '#/$defs/None' } } }, /refers to "#\/\$defs\/None", which does not exist/],
    ['an anchor', { properties: { a: { $ref: '#place' } } }, /refers to "#place", which does not exist/],
    [
      'a schema that grows exponentially',
      { $defs: { ...bomb, d20: { type: 'string' } }, properties: { a: { $ref: '#/$defs/d0' } } },
      /too large/,
    ],
  ])('to %s are refused', (_, schema, message) => {
    const { param, message: text } = refusal(withTool(JSON.stringify(schema)))
    expect(param).toBe('tools.0.function.parameters')
    expect(text).toMatch(message)
  })

  it('in a schema that is nested too deeply are refused', () => {
    let nested: object = { $ref: '#/$defs/A' }
    for (let depth = 0; depth < 2_000; depth++) nested = { not: nested }
    const schema = JSON.stringify({ $defs: { A: {} }, properties: { a: nested } })
    expect(refusal(withTool(schema)).message).toMatch(/nested too deeply/)
  })
})

it.each([
  ['anyOf', { anyOf: [{ required: ['a'] }] }],
  ['allOf', { allOf: [] }],
  ['additionalProperties', { additionalProperties: { type: 'string' } }],
  ['patternProperties', { patternProperties: { '^a': {} } }],
  ['minProperties', { minProperties: 1 }],
])('a constraint that would be lost is refused: %s', (name, more) => {
  expect(refusal(withTool(JSON.stringify({ type: 'object', properties: {}, ...more })))).toMatchObject({
    param: `tools.0.function.parameters.${name}`,
    message: expect.stringContaining('only "type", "properties" and "required"'),
  })
})

it('a schema of a type other than object is refused', () => {
  expect(refusal(withTool('{"type":["object","null"]}')).param).toBe('tools.0.function.parameters.type')
})

describe('the schema of response_format', () => {
  it('is translated like a tool’s', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { a: { $ref: '#/$defs/A' } },
      required: ['a'],
      additionalProperties: false,
      $defs: { A: { type: 'string' } },
    }
    expect(converseBody(format(schema))).toMatchObject({
      toolConfig: {
        tools: [
          {
            toolSpec: {
              inputSchema: { json: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
            },
          },
        ],
      },
    })
  })

  it.each([
    [{ type: 'object', anyOf: [] }, 'response_format.json_schema.schema.anyOf'],
    [{ $ref: '#/$defs/L', $defs: { L: { type: 'array' } } }, 'response_format.json_schema.schema.type'],
    [{ properties: { a: { $ref: '#' } } }, 'response_format.json_schema.schema'],
  ])('is refused with its own path: %j', (schema, param) => {
    const tools = [{ type: 'function', function: { name: 'look' } }]
    expect(refusal(toConverseCall(unifiedRequest({ ...format(schema), tools }))).param).toBe(param)
  })
})
