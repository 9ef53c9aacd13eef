import { type CompiledSchema, schemaProblem } from '../../wire/schema-problem.ts'
import type { Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { typeOf } from './parameters.ts'

/**
 * The 400 for a value that does not fit its schema, in the API's words, or undefined if it fits. Members that are null count as not given.
 * @param path where the value stands in the request; empty for the request itself
 */
export function schemaRefusal(
  schema: CompiledSchema,
  value: Readonly<Record<string, unknown>>,
  path: readonly string[] = [],
): Reply | undefined {
  const problem = schemaProblem(schema, given(value))
  if (problem === undefined) return undefined
  const where = parameterName([...path, ...problem.path])
  if (problem.kind === 'missing') return missing(where)
  if (problem.kind === 'invalid') return invalid(where, problem.message, valueAt(value, problem.path))
  return path.length + problem.path.length === 1
    ? invalidRequest(400, `Unrecognized request argument supplied: ${where}`)
    : invalidRequest(400, `Unknown parameter: '${where}'.`, where, 'unknown_parameter')
}

/** As the API names it: `messages[0].content`. */
export function parameterName(path: readonly string[]): string {
  return path.reduce((name, part) => {
    if (/^\d+$/.test(part)) return `${name}[${part}]`
    return name === '' ? part : `${name}.${part}`
  }, '')
}

export function missing(where: string): Reply {
  return invalidRequest(400, `Missing required parameter: '${where}'.`, where, 'missing_required_parameter')
}

export function wrongType(where: string, expected: string, value: unknown): Reply {
  const message = `Invalid type for '${where}': expected ${expected}, but got ${typeOf(value)} instead.`
  return invalidRequest(400, message, where, 'invalid_type')
}

export function wrongValue(where: string, value: unknown, supported: readonly string[]): Reply {
  const names = supported.map((name) => `'${name}'`)
  const list = `${names.slice(0, -1).join(', ')}, and ${names.at(-1)}`
  return invalidRequest(400, `Invalid value: '${value}'. Supported values are: ${list}.`, where, 'invalid_value')
}

export function emptyArray(where: string): Reply {
  const message = `Invalid '${where}': empty array. Expected an array with minimum length 1, but got an empty array instead.`
  return invalidRequest(400, message, where, 'empty_array')
}

function given(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
}

function invalid(where: string, message: string, value: unknown): Reply {
  const expected = TYPES[message]
  if (expected !== undefined) return wrongType(where, expected, value)
  if (Array.isArray(value) && value.length === 0) return emptyArray(where)
  const [, sign, bound] = /^must be ([<>]=) (.+)$/.exec(message) ?? []
  if (sign === undefined)
    return invalidRequest(400, `Invalid value for '${where}': ${message}.`, where, 'invalid_value')
  const [fault, code] = sign === '<=' ? ['above maximum', 'above_max'] : ['below minimum', 'below_min']
  return invalidRequest(
    400,
    `Invalid '${where}': decimal ${fault} value. Expected a value ${sign} ${bound}, but got ${value} instead.`,
    where,
    `decimal_${code}_value`,
  )
}

/** By the validator's messages. */
const TYPES: Readonly<Record<string, string>> = {
  'must be array': 'an array of objects',
  'must be boolean': 'a boolean',
  'must be integer': 'an integer',
  'must be number': 'a decimal',
  'must be object': 'an object',
  'must be string': 'a string',
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, part) => (inner as Record<string, unknown> | undefined)?.[part], value)
}
