import { type TProperties, Type } from 'typebox'
import type { TLocalizedValidationError } from 'typebox/error'

/** Returns the schema of an object with these properties and no others. */
export function closedObject<Properties extends TProperties>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}

/** The first thing that is wrong with a value; each provider words it in its own way. */
export interface SchemaProblem {
  /** `unknown`: a property that the schema does not have. */
  readonly kind: 'missing' | 'unknown' | 'invalid'
  /** Property names and indexes, from the outside in. */
  readonly path: readonly string[]
  /** The requirement on the value, such as `must be string`. */
  readonly message: string
}

/** A validator that `Compile` made from a schema. */
export interface CompiledSchema {
  Check(value: unknown): boolean
  Errors(value: unknown): TLocalizedValidationError[]
}

/** Returns undefined if the value fits the schema. */
export function schemaProblem(schema: CompiledSchema, value: unknown): SchemaProblem | undefined {
  if (schema.Check(value)) return undefined
  const errors = schema.Errors(value)
  const error = mostTelling(errors)
  if (error === undefined) return { kind: 'invalid', path: [], message: 'must fit the schema' }
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  switch (error.keyword) {
    case 'required':
      return {
        kind: 'missing',
        path: [...path, ...error.params.requiredProperties.slice(0, 1)],
        message: error.message,
      }
    case 'boolean':
      return { kind: 'unknown', path, message: error.message }
    case 'const':
    case 'anyOf':
      return { kind: 'invalid', path, message: 'must be one of the values that are allowed' }
    default:
      return { kind: 'invalid', path, message: error.message }
  }
}

/** Returns the first error; among alternatives, the deepest one: that alternative came closest. */
function mostTelling(errors: readonly TLocalizedValidationError[]): TLocalizedValidationError | undefined {
  const [first] = errors
  if (first === undefined) return undefined
  const alternatives = errors.find(
    ({ keyword, instancePath }) => keyword === 'anyOf' && isWithin(first.instancePath, instancePath),
  )
  if (alternatives === undefined) return first
  return errors
    .filter(({ instancePath }) => isWithin(instancePath, alternatives.instancePath))
    .reduce((deepest, error) => (depth(error) > depth(deepest) ? error : deepest), alternatives)
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`)
}

function depth({ instancePath }: TLocalizedValidationError): number {
  return instancePath.split('/').length
}

/** RFC 6901, section 4. */
function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}
