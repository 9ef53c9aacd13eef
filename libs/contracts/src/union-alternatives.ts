import {
  IsArray,
  IsBoolean,
  IsInteger,
  IsLiteral,
  IsNull,
  IsNumber,
  IsObject,
  IsOptional,
  IsRecord,
  IsString,
  IsUnion,
  type TObject,
  type TSchema,
} from 'typebox'
import { compiled } from './compiled.ts'

/** The shape of a union that a value which fits none was probably meant to have. */
export type Nearest =
  | { readonly status: 'shape'; readonly shape: TSchema }
  /** Unknown: the member that names the shape is missing, or names another. */
  | { readonly status: 'discriminator'; readonly name: string; readonly message: string }
  /** It is of another kind than all of them, such as a number where a string or an array is wanted. */
  | { readonly status: 'none' }

/**
 * Finds the shape that a value is nearest to: the only one of its kind; of several objects the one that their `type`,
 * or another member of fixed values, names; else the one with the fewest errors.
 */
export function nearest(shapes: readonly TSchema[], value: unknown, countErrors: (shape: TSchema) => number): Nearest {
  const kind = kindOf(value)
  const ofKind = shapes.flatMap(flattened).filter((shape) => !IsLiteral(shape) && kindOfSchema(shape) === kind)
  const [only, ...others] = ofKind
  if (only === undefined) return { status: 'none' }
  if (others.length === 0) return { status: 'shape', shape: only }
  if (ofKind.every(IsObject)) {
    const name = discriminatorOf(ofKind)
    if (name !== undefined) return named(ofKind, name, value as Readonly<Record<string, unknown>>)
  }
  const counted = ofKind.map((shape) => ({ shape, errors: countErrors(shape) }))
  return { status: 'shape', shape: counted.reduce((best, next) => (next.errors < best.errors ? next : best)).shape }
}

/** Lists what a union takes, as `"auto", a string or an array`. */
export function alternatives(shapes: readonly TSchema[]): string {
  const all = [...new Set(shapes.flatMap(flattened).map(alternative))]
  // For a list of constants, "one of" separates the list from its members.
  if (shapes.every(IsLiteral)) return `one of ${all.join(', ')}`
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`
}

function named(shapes: readonly TObject[], name: string, value: Readonly<Record<string, unknown>>): Nearest {
  const given = Object.hasOwn(value, name) ? value[name] : undefined
  const shape = shapes.find(
    ({ properties }) => properties[name] !== undefined && compiled(properties[name]).Check(given),
  )
  if (shape !== undefined) return { status: 'shape', shape }
  const values = shapes.flatMap(({ properties }) => constantsOf(properties[name])).map((one) => JSON.stringify(one))
  const message = `one of ${values.join(', ')}`
  return {
    status: 'discriminator',
    name,
    message: given === undefined ? `is required: it is ${message}` : `must be ${message}`,
  }
}

/** The member that all shapes have and demand, with fixed values that no two share. */
function discriminatorOf(shapes: readonly TObject[]): string | undefined {
  const [first] = shapes
  return Object.keys(first?.properties ?? {}).find((name) => {
    const values = shapes.map(({ properties }) => constantsOf(properties[name]))
    return values.every((list) => list.length > 0) && new Set(values.flat()).size === values.flat().length
  })
}

/** The values of a member that has fixed ones and must be there; none otherwise. */
function constantsOf(schema: TSchema | undefined): unknown[] {
  if (schema === undefined || IsOptional(schema)) return []
  if (IsLiteral(schema)) return [schema.const]
  return IsUnion(schema) && schema.anyOf.every(IsLiteral) ? schema.anyOf.map((one) => one.const) : []
}

function flattened(schema: TSchema): readonly TSchema[] {
  return IsUnion(schema) ? schema.anyOf.flatMap(flattened) : [schema]
}

type Kind = 'string' | 'number' | 'boolean' | 'null' | 'array' | 'object' | 'value'

function alternative(schema: TSchema): string {
  return IsLiteral(schema) ? JSON.stringify(schema.const) : ARTICLES[kindOfSchema(schema)]
}

const ARTICLES: Readonly<Record<Kind, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'a boolean',
  null: 'null',
  array: 'an array',
  object: 'an object',
  value: 'something else',
}

function kindOfSchema(schema: TSchema): Kind {
  if (IsString(schema)) return 'string'
  if (IsNumber(schema) || IsInteger(schema)) return 'number'
  if (IsBoolean(schema)) return 'boolean'
  if (IsNull(schema)) return 'null'
  if (IsArray(schema)) return 'array'
  return IsObject(schema) || IsRecord(schema) ? 'object' : 'value'
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'object' ? type : 'value'
}
