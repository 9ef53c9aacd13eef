import { expect, it } from 'vitest'
import { writeJson } from '../wire/opaque-json.ts'
import { describedSchema, keepSchemas } from './tools.ts'

/** The written form of a schema that came with `description`. */
function written(schema: string, description: string | undefined): string | undefined {
  const text = `{"response_format":{"type":"json_schema","json_schema":{"name":"order","schema":${schema}}}}`
  const body = JSON.parse(text)
  keepSchemas({ body, bytes: Buffer.from(text) })
  return writeJson(describedSchema(body.response_format.json_schema.schema, description))
}

it.each([
  ['nothing to add', '{"type":"object","maxProperties":1e400}', undefined, '{"type":"object","maxProperties":1e400}'],
  ['a schema without a description', '{"type":"object"}', 'An order.', '{"description":"An order.","type":"object"}'],
  ['a schema with the same description', '{"description":"An order."}', 'An order.', '{"description":"An order."}'],
  [
    'a schema with a description of its own, and leaves the rest unchanged',
    '{"type":"object","description":"With its \\"lines\\".","properties":{"description":{"const":9007199254740993}}}',
    'An order.',
    '{"type":"object","description":"An order.\\n\\nWith its \\"lines\\".","properties":{"description":{"const":9007199254740993}}}',
  ],
])('describes %s', (_, schema, description, expected) => {
  expect(written(schema, description)).toBe(expected)
})
