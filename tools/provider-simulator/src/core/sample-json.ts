import { isRecord } from './json.ts'

/**
 * Returns a value that fits a JSON schema as tools and structured outputs declare it: the first of an `enum` or of
 * alternatives, every property of an object, one item of an array. Types may be in capitals, as Google writes them.
 * Always the same value for the same schema; null where the schema leaves the type open.
 */
export function sampleJson(schema: unknown): unknown {
  return sample(schema, schema, 0)
}

function sample(schema: unknown, root: unknown, depth: number): unknown {
  if (!isRecord(schema) || depth > MAX_DEPTH) return null
  const inner = (value: unknown) => sample(value, root, depth + 1)
  if (typeof schema.$ref === 'string') return inner(referred(root, schema.$ref))
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null
  const alternatives = schema.anyOf ?? schema.oneOf
  if (Array.isArray(alternatives)) return inner(alternatives[0])
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (typeof type === 'string' ? type.toLowerCase() : undefined) {
    case 'object':
      return isRecord(schema.properties)
        ? Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, inner(property)]))
        : {}
    case 'array':
      return [inner(schema.items)]
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

// A schema from a request body may nest as deep as the body allows, or refer to itself.
const MAX_DEPTH = 16

/** Resolves a pointer such as `#/$defs/Gate` within the schema. */
function referred(root: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), root)
}
