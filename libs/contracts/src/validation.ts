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

/** `value` if it has the schema's shape, otherwise what is wrong with it, one entry a field. */
export type Validation<S extends TSchema> = { valid: true; value: Static<S> } | { valid: false; errors: FieldError[] }

/** Checks unknown data against a schema. Fields that the schema does not name pass unless it is closed: schemas evolve by addition. */
export function validate<S extends TSchema>(schema: S, value: unknown): Validation<S> {
  if (compiled(schema).Check(value)) return { valid: true, value: value as Static<S> }
  return { valid: false, errors: documentErrors(schema, value) }
}

/**
 * Everything that is wrong with a document, one entry a field, so that all of it can be corrected at once; empty where nothing is.
 * Text that PostgreSQL cannot store is wrong too. Never shows a value, which may be a secret.
 */
export function documentErrors(schema: TSchema, value: unknown, path = ''): FieldError[] {
  return [...errorsOf(schema, value, path, DOCUMENT)]
}

/**
 * The first thing that is wrong with a document that is not stored, in which any text may stand; undefined where nothing is. Stops there:
 * whoever sends a document with a million errors pays for one.
 */
export function shapeError(schema: TSchema, value: unknown, path = ''): FieldError | undefined {
  if (compiled(schema).Check(value)) return undefined
  for (const error of errorsOf(schema, value, path, SHAPE)) return error
  return { field: path, message: 'is not valid' }
}

interface Rules {
  readonly isGood: (text: string) => boolean
  /** Whether the items of an array beyond its limit are passed over. */
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

/** What is wrong with a value as a whole. */
function* ownErrors(schema: TSchema, value: unknown, path: string): Generator<FieldError, void> {
  if (compiled(schema).Check(value)) return
  yield {
    field: path,
    message: tooMany(schema, value) ?? wordedError(schema, compiled(schema).Errors(value)[0], value),
  }
}

/** Of an array, without a look at its items. */
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

/** Of a record, each member that is wrong by its name. */
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

/** The schema of what may also be null. */
function nullableOf(schema: TSchema): TSchema | undefined {
  if (!IsUnion(schema)) return undefined
  const [first, second] = schema.anyOf
  return schema.anyOf.length === 2 && second !== undefined && IsNull(second) ? first : undefined
}

/** What is wrong with a value of several shapes: the mistakes by the one that it is nearest to, or which there are. */
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

/** Counts what is wrong, up to a number that tells shapes apart. */
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

/** Returns the error of a field that is not among those that are `known`, with the one that was probably meant. */
export function unknownField(path: string, name: string, known: readonly string[]): FieldError {
  const shown = shownName(name)
  return { field: child(path, shown), message: `is not known${shown === name ? didYouMean(name, known) : ''}` }
}

/** A name that was made up may be a secret that slipped in its place: no key is made of so few letters alone. */
function shownName(name: string): string {
  return /^[A-Za-z_]{1,40}[0-9]{0,3}$/.test(name) ? name : '(a name that is not shown)'
}

/**
 * `text` as PostgreSQL can keep and index it: at most `maxChars` UTF-16 units, without NUL and lone surrogates, which become
 * U+FFFD. What an application sends as a model's name reaches here unchecked.
 */
export function storableText(text: string, maxChars: number): string {
  return text.slice(0, maxChars).toWellFormed().replaceAll('\0', '\uFFFD')
}
