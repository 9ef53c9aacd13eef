import type { Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import type { ModelRequest } from './model-route.ts'

/** The 400 for a required parameter that is absent, or undefined if it is there. */
export function missingParameter(json: ModelRequest['json'], name: string): Reply | undefined {
  if (json[name] !== undefined && json[name] !== null) return undefined
  return invalidRequest(400, `Missing required parameter: '${name}'.`, name, 'missing_required_parameter')
}

/** The 400 for a parameter that, if stated, is no whole number from 1, or undefined if it is fine. */
export function invalidCount(json: ModelRequest['json'], name: string): Reply | undefined {
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
  if (value >= 1) return undefined
  return invalidRequest(
    400,
    `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`,
    name,
    'integer_below_min_value',
  )
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

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'number' ? 'a decimal number' : `a ${typeof value}`
}
