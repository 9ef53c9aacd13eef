import { expect, it } from 'vitest'
import { sampleJson } from './sample-json.ts'

it('makes a value of each type', () => {
  const schema = {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      days: { type: 'array', items: { type: 'integer', minimum: 3 } },
      exact: { type: ['boolean', 'null'] },
      version: { const: 2 },
      anything: {},
    },
  }
  expect(sampleJson(schema)).toEqual({
    city: 'simulated',
    unit: 'celsius',
    days: [3],
    exact: true,
    version: 2,
    anything: null,
  })
})

it('ends with a schema that refers to itself', () => {
  const schema: Record<string, unknown> = { type: 'array' }
  schema.items = schema
  expect(JSON.stringify(sampleJson(schema))).toMatch(/^\[+null\]+$/)
})

it('takes the first of alternatives, and follows references', () => {
  const schema = {
    type: 'object',
    properties: { gate: { $ref: '#/$defs/Gate' }, note: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    $defs: { Gate: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/None' } } } },
  }
  expect(sampleJson(schema)).toEqual({ gate: { name: 'simulated', next: null }, note: 'simulated' })
})
