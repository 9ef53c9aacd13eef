import { type TNull, type TOptional, type TSchema, type TUnion, Type } from 'typebox'

/** A field of a change: absent, it stays; `null` takes it out. */
export function orNull<S extends TSchema>(schema: S): TOptional<TUnion<[S, TNull]>> {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}
