import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/** Returns the schema's validator, compiled at its first use. */
export function compiled(schema: TSchema): Validator {
  let validator = validators.get(schema)
  if (validator === undefined) {
    validator = Compile(schema)
    validators.set(schema, validator)
  }
  return validator
}

const validators = new WeakMap<TSchema, Validator>()
