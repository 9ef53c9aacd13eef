import { isRecord } from './is-record.ts'

/**
 * A value that fits a JSON schema of the kind that tools declare: the first of an `enum`, every property of an object,
 * one item of an array. Types may be in capitals, as Google writes them. The same for the same schema; null where the schema does not say.
 */
export function sampleJson(schema: unknown, depth = 0): unknown {
  if (!isRecord(schema) || depth > MAX_DEPTH) return null
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (typeof type === 'string' ? type.toLowerCase() : undefined) {
    case 'object':
      return isRecord(schema.properties)
        ? Object.fromEntries(
            Object.entries(schema.properties).map(([name, property]) => [name, sampleJson(property, depth + 1)]),
          )
        : {}
    case 'array':
      return [sampleJson(schema.items, depth + 1)]
    case 'string':
      return 'simulated'
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'boolean':
      return true
    default:
      return null
  }
}

// A schema from a request body may nest as deep as the body allows.
const MAX_DEPTH = 16
