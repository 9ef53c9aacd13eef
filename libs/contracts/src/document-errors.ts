import { IsArray, IsLiteral, IsNull, IsObject, IsOptional, IsUnion, type TObject, type TSchema } from 'typebox'
import { compiled } from './compiled.ts'
import type { FieldError } from './errors.ts'
import { storableText } from './storable-text.ts'

/**
 * Everything that is wrong with a document, one entry a field, so that all of it can be corrected at once; empty where nothing is.
 * Text that PostgreSQL cannot store is wrong too. Never shows a value, which may be a secret.
 */
export function documentErrors(schema: TSchema, value: unknown, path = ''): FieldError[] {
  return errorsOf(schema, value, path, isStorable)
}

/** The same of a document that is not stored, in which any text may stand. */
export function shapeErrors(schema: TSchema, value: unknown, path = ''): FieldError[] {
  return errorsOf(schema, value, path, () => true)
}

function isStorable(text: string): boolean {
  return storableText(text, text.length) === text
}

function errorsOf(schema: TSchema, value: unknown, path: string, isGood: (text: string) => boolean): FieldError[] {
  const nullable = nullableOf(schema)
  if (nullable !== undefined) return value === null ? [] : errorsOf(nullable, value, path, isGood)
  if (IsObject(schema)) return objectErrors(schema, value, path, isGood)
  if (IsArray(schema) && Array.isArray(value)) {
    const errors = value.flatMap((item, index) => errorsOf(schema.items, item, child(path, String(index)), isGood))
    if (errors.length > 0) return errors
  }
  if (typeof value === 'string' && !isGood(value)) {
    return [{ field: path, message: 'must hold no NUL and no half of a surrogate pair' }]
  }
  const [first] = compiled(schema).Errors(value)
  return first === undefined ? [] : [{ field: path, message: choice(schema) ?? first.message }]
}

function objectErrors(schema: TObject, value: unknown, path: string, isGood: (text: string) => boolean): FieldError[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ field: path, message: 'must be an object' }]
  }
  const properties: Readonly<Record<string, TSchema>> = schema.properties
  const given = new Map<string, unknown>(Object.entries(value))
  const known = Object.entries(properties).flatMap(([name, property]) => {
    if (given.has(name)) return errorsOf(property, given.get(name), child(path, name), isGood)
    return IsOptional(property) ? [] : [{ field: child(path, name), message: 'is required' }]
  })
  const isClosed = 'additionalProperties' in schema && schema.additionalProperties === false
  const unknown = isClosed ? [...given.keys()].filter((name) => !Object.hasOwn(properties, name)) : []
  return [...known, ...unknown.map((name) => ({ field: child(path, shownName(name)), message: 'is not known' }))]
}

/** The schema of what may also be null. */
function nullableOf(schema: TSchema): TSchema | undefined {
  if (!IsUnion(schema)) return undefined
  const [first, second] = schema.anyOf
  return schema.anyOf.length === 2 && second !== undefined && IsNull(second) ? first : undefined
}

/** What to say of a choice, whose first alternative is no better than the others. */
function choice(schema: TSchema): string | undefined {
  if (!IsUnion(schema)) return undefined
  if (!schema.anyOf.every(IsLiteral)) return 'has none of the shapes that it may have'
  return `must be one of ${schema.anyOf.map((literal) => JSON.stringify(literal.const)).join(', ')}`
}

function child(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** A name that was made up may be a secret that slipped in its place: no key is made of so few letters alone. */
function shownName(name: string): string {
  return /^[A-Za-z_]{1,40}[0-9]{0,3}$/.test(name) ? name : '(a name that is not shown)'
}
