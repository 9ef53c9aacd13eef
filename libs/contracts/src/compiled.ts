import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/** The schema's validator, compiled when it is first asked for. */
export function compiled(schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = Compile(schema)
    validators.set(schema, validator)
  }
  return validator
}

const validators = new WeakMap<TSchema, Validator>()
