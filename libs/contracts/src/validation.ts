import {
  IsArray,
  IsNull,
  IsObject,
  IsOptional,
  IsRecord,
  IsUnion,
  RecordPattern,
  RecordValue,
  type Static,
  type TObject,
  type TRecord,
  type TSchema,
  type TUnion,
} from 'typebox'
import { compiled } from './compiled.ts'
import { nearestChoice, wordedError } from './error-words.ts'
import type { FieldError } from './errors.ts'
import { didYouMean } from './nearest-name.ts'
import { alternatives, nearest } from './union-alternatives.ts'

/** Either `value` with the schema's type, or its errors, one entry per field. */
export type Validation<S extends TSchema> = { valid: true; value: Static<S> } | { valid: false; errors: FieldError[] }

/**
 * Checks unknown data against a schema. Fields that the schema does not name pass unless it is closed: schemas evolve
 * by addition.
 */
export function validate<S extends TSchema>(schema: S, value: unknown): Validation<S> {
  if (compiled(schema).Check(value)) return { valid: true, value: value as Static<S> }
  return { valid: false, errors: documentErrors(schema, value) }
}

/**
 * Returns every error of a document, one entry per field, so that all can be corrected at once. Text that PostgreSQL
 * cannot store is an error, too. Never shows a value, which may be a secret.
 */
export function documentErrors(schema: TSchema, value: unknown, path = ''): FieldError[] {
  return [...errorsOf(schema, value, path, DOCUMENT)]
}

/**
 * Returns the first error of a document that is not stored, and so may contain any text; undefined when there is none.
 * Stops there, so that a document with a million errors costs no more than one.
 */
export function shapeError(schema: TSchema, value: unknown, path = ''): FieldError | undefined {
  if (compiled(schema).Check(value)) return undefined
  for (const error of errorsOf(schema, value, path, SHAPE)) return error
  return { field: path, message: 'is not valid' }
}

interface Rules {
  readonly isGood: (text: string) => boolean
  /** Ignores the items of an array beyond its limit. */
  readonly stopsAtLimits: boolean
}

const DOCUMENT: Rules = { isGood: isStorable, stopsAtLimits: false }
const SHAPE: Rules = { isGood: () => true, stopsAtLimits: true }

function isStorable(text: string): boolean {
  return storableText(text, text.length) === text
}

function* errorsOf(schema: TSchema, value: unknown, path: string, rules: Rules): Generator<FieldError, void> {
  const nullable = nullableOf(schema)
  if (nullable !== undefined) {
    if (value !== null) yield* errorsOf(nullable, value, path, rules)
  } else if (IsObject(schema)) {
    yield* objectErrors(schema, value, path, rules)
  } else if (IsRecord(schema)) {
    yield* recordErrors(schema, value, path, rules)
  } else if (typeof value === 'string' && !rules.isGood(value)) {
    yield { field: path, message: 'must hold no NUL and no half of a surrogate pair' }
  } else if (IsUnion(schema)) {
    yield* unionErrors(schema, value, path, rules)
  } else if (IsArray(schema) && Array.isArray(value)) {
    let isSound = true
    const items = rules.stopsAtLimits ? value.slice(0, mostItems(schema)) : value
    for (const [index, item] of items.entries()) {
      for (const error of errorsOf(schema.items, item, child(path, String(index)), rules)) {
        isSound = false
        yield error
      }
    }
    if (isSound) yield* ownErrors(schema, value, path)
  } else {
    yield* ownErrors(schema, value, path)
  }
}

/** Yields the error of a value as a whole. */
function* ownErrors(schema: TSchema, value: unknown, path: string): Generator<FieldError, void> {
  if (compiled(schema).Check(value)) return
  yield {
    field: path,
    message: tooMany(schema, value) ?? wordedError(schema, compiled(schema).Errors(value)[0], value),
  }
}

/** Returns the error of an array with too many items, without looking at the items. */
function tooMany(schema: TSchema, value: unknown): string | undefined {
  if (!IsArray(schema) || !Array.isArray(value) || value.length <= mostItems(schema)) return undefined
  return `must not have more than ${mostItems(schema)} items`
}

function mostItems(schema: TSchema): number {
  return 'maxItems' in schema && typeof schema.maxItems === 'number' ? schema.maxItems : Number.POSITIVE_INFINITY
}

function* objectErrors(schema: TObject, value: unknown, path: string, rules: Rules): Generator<FieldError, void> {
  if (!isObject(value)) {
    yield { field: path, message: 'must be an object' }
    return
  }
  const properties: Readonly<Record<string, TSchema>> = schema.properties
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name)) yield* errorsOf(property, value[name], child(path, name), rules)
    else if (!IsOptional(property)) yield { field: child(path, name), message: 'is required' }
  }
  if (!('additionalProperties' in schema) || schema.additionalProperties !== false) return
  for (const name in value) {
    if (!Object.hasOwn(properties, name)) yield unknownField(path, name, Object.keys(properties))
  }
}

/** Yields the errors of a record's members, by their names. */
function* recordErrors(schema: TRecord, value: unknown, path: string, rules: Rules): Generator<FieldError, void> {
  if (!isObject(value)) {
    yield { field: path, message: 'must be an object' }
    return
  }
  const isName = new RegExp(RecordPattern(schema))
  let isSound = true
  for (const [name, member] of Object.entries(value)) {
    if (!isName.test(name)) continue
    for (const error of errorsOf(RecordValue(schema), member, child(path, shownName(name)), rules)) {
      isSound = false
      yield error
    }
  }
  if (isSound) yield* ownErrors(schema, value, path)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the schema of a value that may also be null, without the null; undefined for other schemas. */
function nullableOf(schema: TSchema): TSchema | undefined {
  if (!IsUnion(schema)) return undefined
  const [first, second] = schema.anyOf
  return schema.anyOf.length === 2 && second !== undefined && IsNull(second) ? first : undefined
}

/**
 * Yields the errors of a value that may have several shapes: those toward the nearest shape, or else the list of
 * shapes.
 */
function* unionErrors(schema: TUnion, value: unknown, path: string, rules: Rules): Generator<FieldError, void> {
  const shapes = schema.anyOf
  if (shapes.some((shape) => compiled(shape).Check(value))) return
  if ('errorMessage' in schema && typeof schema.errorMessage === 'string') {
    yield { field: path, message: schema.errorMessage }
    return
  }
  const near = nearest(shapes, value, (shape) => countErrors(shape, value, rules))
  if (near.status === 'none') {
    yield { field: path, message: `must be ${alternatives(shapes)}${nearestChoice(schema, value)}` }
  } else if (near.status === 'discriminator') yield { field: child(path, near.name), message: near.message }
  else yield* errorsOf(near.shape, value, path, rules)
}

/** Counts the errors, up to a number that is enough to compare shapes. */
function countErrors(schema: TSchema, value: unknown, rules: Rules): number {
  let count = 0
  for (const _ of errorsOf(schema, value, '', rules)) {
    if (++count === MAX_COUNTED) break
  }
  return count
}

const MAX_COUNTED = 10

function child(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Returns the error of a field that is not among the `known` ones, with the one that was probably meant. */
export function unknownField(path: string, name: string, known: readonly string[]): FieldError {
  const shown = shownName(name)
  return { field: child(path, shown), message: `is not known${shown === name ? didYouMean(name, known) : ''}` }
}

/** Hides an unknown name that may be a misplaced secret: no key consists of so few letters alone. */
function shownName(name: string): string {
  return /^[A-Za-z_]{1,40}[0-9]{0,3}$/.test(name) ? name : '(a name that is not shown)'
}

/**
 * Returns `text` in a form that PostgreSQL can store and index: at most `maxChars` UTF-16 units, with U+FFFD in place
 * of NUL and lone surrogates. Model names that applications send get here unchecked.
 */
export function storableText(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed().replaceAll('\0', '\uFFFD')
}
