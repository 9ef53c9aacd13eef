import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { FieldError } from './errors.ts'

/** `value` if it has the schema's shape, otherwise what is wrong with it, one entry a field. */
export type Validation<S extends TSchema> = { valid: true; value: Static<S> } | { valid: false; errors: FieldError[] }

/** Checks unknown data against a schema; compiled once a schema. Extra fields pass, as schemas evolve by addition. */
export function validate<S extends TSchema>(schema: S, value: unknown): Validation<S> {
  const validator = compiled(schema)
  if (validator.Check(value)) return { valid: true, value: value as Static<S> }
  return { valid: false, errors: fieldErrors(validator.Errors(value)) }
}

interface SchemaError {
  readonly instancePath: string
  readonly message: string
  readonly keyword: string
  readonly params: object
}

/** One entry a field: the first thing that is wrong with it. */
export function fieldErrors(errors: readonly SchemaError[]): FieldError[] {
  const byField = new Map<string, string>()
  for (const error of errors) {
    for (const { field, message } of fieldsOf(error)) if (!byField.has(field)) byField.set(field, message)
  }
  return [...byField].map(([field, message]) => ({ field, message }))
}

function fieldsOf(error: SchemaError): FieldError[] {
  const parent = error.instancePath.slice(1).replaceAll('/', '.')
  const child = (name: string) => (parent === '' ? name : `${parent}.${name}`)
  const params = error.params as { requiredProperties?: string[]; additionalProperties?: string[] }
  if (error.keyword === 'required' && params.requiredProperties) {
    return params.requiredProperties.map((name) => ({ field: child(name), message: 'is required' }))
  }
  if (error.keyword === 'additionalProperties' && params.additionalProperties) {
    return params.additionalProperties.map((name) => ({ field: child(name), message: 'is not known' }))
  }
  return [{ field: parent, message: error.message }]
}

function compiled(schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = Compile(schema)
    validators.set(schema, validator)
  }
  return validator
}

const validators = new WeakMap<TSchema, Validator>()
