import type { Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import type { ModelRequest } from './model-route.ts'

/** The 400 for a required parameter that is absent, or undefined if it is there. */
export function missingParameter(json: ModelRequest['json'], name: string): Reply | undefined {
  if (json[name] !== undefined && json[name] !== null) return undefined
  return invalidRequest(400, `Missing required parameter: '${name}'.`, name, 'missing_required_parameter')
}

/** What a count may be; from 1 if nothing else is said. */
export interface CountRange {
  readonly minimum?: number
  readonly maximum?: number
}

/** The 400 for a parameter that, if stated, is no whole number within its range, or undefined if it is fine. */
export function invalidCount(
  json: ModelRequest['json'],
  name: string,
  { minimum = 1, maximum = Number.POSITIVE_INFINITY }: CountRange = {},
): Reply | undefined {
  const value = json[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    return invalidRequest(
      400,
      `Invalid type for '${name}': expected an integer, but got ${typeOf(value)} instead.`,
      name,
      'invalid_type',
    )
  }
  if (value >= minimum && value <= maximum) return undefined
  const [fault, bound, code] =
    value < minimum
      ? ['below minimum', `>= ${minimum}`, 'integer_below_min_value']
      : ['above maximum', `<= ${maximum}`, 'integer_above_max_value']
  const message = `Invalid '${name}': integer ${fault} value. Expected a value ${bound}, but got ${value} instead.`
  return invalidRequest(400, message, name, code)
}

/** The 400 for `stream_options` without a stream, or undefined if they agree. */
export function invalidStreamOptions(json: ModelRequest['json']): Reply | undefined {
  if (json.stream_options === undefined || json.stream_options === null || json.stream === true) return undefined
  return invalidRequest(
    400,
    "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    'stream_options',
  )
}

/** A count that `invalidCount` let through. */
export function count(json: ModelRequest['json'], name: string): number | undefined {
  const value = json[name]
  return typeof value === 'number' ? value : undefined
}

/** What a value is, as the API names it. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal number'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
