import { IsLiteral, IsUnion, type TSchema } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'
import { didYouMean } from './nearest-name.ts'

/**
 * Returns what a value must be, in words: those that its schema has for all its errors (`errorMessage`, as of the
 * pattern of a name), or else of the first error. Shows no text of the value, which may be a secret, but numbers, and
 * what kind of value it is.
 */
export function wordedError(schema: TSchema, error: TLocalizedValidationError | undefined, value: unknown): string {
  if (typeof value === 'string' && 'errorMessage' in schema && typeof schema.errorMessage === 'string') {
    return schema.errorMessage
  }
  if (error === undefined) return 'is not valid'
  switch (error.keyword) {
    case 'type':
      // A number where text belongs may be a secret.
      return `must be ${kindsOf(error.params.type)}, not ${error.params.type === 'integer' ? given(value) : kindOf(value)}`
    case 'minimum':
      return `must be at least ${error.params.limit}, not ${given(value)}`
    case 'maximum':
      return `must be at most ${error.params.limit}, not ${given(value)}`
    case 'minLength':
      return error.params.limit === 1 ? 'must not be empty' : `must have at least ${error.params.limit} characters`
    case 'maxLength':
      return `must have at most ${error.params.limit} characters, not ${typeof value === 'string' ? value.length : 'more'}`
    case 'exclusiveMinimum':
      return `must be more than ${error.params.limit}, not ${given(value)}`
    case 'exclusiveMaximum':
      return `must be less than ${error.params.limit}, not ${given(value)}`
    case 'multipleOf':
      return `must be a multiple of ${error.params.multipleOf}, not ${given(value)}`
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`
    case 'enum':
      return `must be one of ${error.params.allowedValues.map((one) => JSON.stringify(one)).join(', ')}`
    case 'pattern':
      // The pattern itself says little to those who read it; schemas have their own words for it.
      return 'has a form that is not allowed here'
    case 'required':
      return `must have ${error.params.requiredProperties.map((name) => `"${name}"`).join(', ')}`
    case 'minProperties':
      return error.params.limit === 1 ? 'must not be empty' : `must have at least ${error.params.limit} members`
    case 'maxProperties':
      return `must have at most ${error.params.limit} members`
    case 'anyOf':
    case 'oneOf':
      return 'has none of the forms that it may have'
    case 'minItems':
      return error.params.limit === 1 ? 'must not be empty' : `must have at least ${error.params.limit} items`
    case 'maxItems':
      return `must not have more than ${error.params.limit} items`
    case 'uniqueItems':
      return 'must not have an item twice'
    case 'format':
      return FORMATS.get(error.params.format) ?? error.message
    default:
      return error.message
  }
}

/**
 * Returns a question with the choice that a text was probably meant to be; nothing where none is near, or the schema
 * is no choice of texts.
 */
export function nearestChoice(schema: TSchema, value: unknown): string {
  if (typeof value !== 'string' || !IsUnion(schema)) return ''
  const choices = schema.anyOf.flatMap((one) => (IsLiteral(one) && typeof one.const === 'string' ? [one.const] : []))
  return didYouMean(value, choices)
}

function given(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value)
}

/** Returns the kind of a JSON value with its article. */
function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function kindsOf(type: string | readonly string[]): string {
  return (typeof type === 'string' ? [type] : type).map((one) => KINDS.get(one) ?? one).join(' or ')
}

const KINDS: ReadonlyMap<string, string> = new Map([
  ['integer', 'an integer'],
  ['number', 'a number'],
  ['string', 'a string'],
  ['boolean', 'true or false'],
  ['array', 'an array'],
  ['object', 'an object'],
])

const FORMATS: ReadonlyMap<string, string> = new Map([
  ['date-time', 'must be a time of RFC 3339 with its offset, such as 2026-01-31T12:00:00Z'],
])
