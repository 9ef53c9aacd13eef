import fc from 'fast-check'
import { type Static, Type } from 'typebox'
import { expect, it } from 'vitest'
import { documentErrors, shapeError, storableText } from './validation.ts'

const Document = Type.Object(
  {
    text: Type.String({ minLength: 2, pattern: '^a' }),
    choice: Type.Optional(Type.Union([Type.Literal('x'), Type.Literal('y')])),
    either: Type.Optional(Type.Union([Type.Literal('*'), Type.Array(Type.String())])),
    items: Type.Optional(
      Type.Array(Type.Object({ n: Type.Integer() }, { additionalProperties: false }), { maxItems: 2 }),
    ),
  },
  { additionalProperties: false },
)

it('finds nothing where nothing is wrong', () => {
  const right: Static<typeof Document> = { text: 'ab', choice: 'x', either: ['z'], items: [{ n: 1 }, { n: 2 }] }
  expect(documentErrors(Document, right)).toEqual([])
})

it('tells everything that is wrong, one entry a field', () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`unknown${index}`, 1]))
  const errors = documentErrors(Document, { text: 'b', choice: 'z', either: 7, items: [{ n: 'x', m: 1 }, 3], ...many })
  expect(errors.slice(0, 6)).toEqual([
    { field: 'text', message: expect.any(String) },
    { field: 'choice', message: 'must be one of "x", "y"' },
    { field: 'either', message: 'must be "*" or an array' },
    { field: 'items.0.n', message: 'must be an integer, not a string' },
    { field: 'items.0.m', message: 'is not known' },
    { field: 'items.1', message: 'must be an object' },
  ])
  expect(errors).toHaveLength(6 + 20)
})

it('tells what is missing, and what is wrong with the document itself', () => {
  expect(documentErrors(Document, {})).toEqual([{ field: 'text', message: 'is required' }])
  for (const value of [undefined, null, 7, 'x', []]) {
    expect(documentErrors(Document, value)).toEqual([{ field: '', message: 'must be an object' }])
  }
  expect(documentErrors(Document, { text: 'ab', items: [{ n: 1 }, { n: 1 }, { n: 1 }] })).toEqual([
    { field: 'items', message: expect.any(String) },
  ])
})

it.each([
  [Type.Integer({ minimum: 1 }), 0, 'must be at least 1, not 0'],
  [Type.Integer({ maximum: 5 }), 9, 'must be at most 5, not 9'],
  [Type.Integer(), 1.5, 'must be an integer, not 1.5'],
  [Type.Integer(), '5', 'must be an integer, not a string'],
  [Type.Integer(), null, 'must be an integer, not null'],
  [Type.String(), 7, 'must be a string, not a number'],
  [Type.Boolean(), 'true', 'must be true or false, not a string'],
  [Type.Array(Type.String()), 'x', 'must be an array, not a string'],
  [Type.String({ minLength: 1 }), '', 'must not be empty'],
  [Type.String({ maxLength: 3 }), 'abcd', 'must have at most 3 characters, not 4'],
  [Type.Array(Type.Integer(), { uniqueItems: true }), [1, 1], 'must not have an item twice'],
  [
    Type.String({ format: 'date-time' }),
    'soon',
    'must be a time of RFC 3339 with its offset, such as 2026-01-31T12:00:00Z',
  ],
  [Type.Literal('function'), 'custom', 'must be "function"'],
  [Type.Literal(false), true, 'must be false'],
  [Type.Enum(['a', 'b']), 'c', 'must be one of "a", "b"'],
  [Type.Integer({ multipleOf: 5 }), 3, 'must be a multiple of 5, not 3'],
  [Type.Number({ exclusiveMinimum: 0 }), 0, 'must be more than 0, not 0'],
  [Type.Number({ exclusiveMaximum: 1 }), 1, 'must be less than 1, not 1'],
  [Type.Record(Type.String(), Type.String(), { minProperties: 1 }), {}, 'must not be empty'],
  [Type.Record(Type.String(), Type.String(), { maxProperties: 1 }), { a: 'x', b: 'x' }, 'must have at most 1 members'],
  [Type.Record(Type.String(), Type.String()), 'x', 'must be an object'],
  [Type.Array(Type.String(), { maxItems: 1 }), ['a', 'b'], 'must not have more than 1 items'],
  [Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({})]), {}, 'must have "a"'],
  [Type.String({ pattern: '^a' }), 'b', 'has a form that is not allowed here'],
  [Type.String({ pattern: '^a', errorMessage: 'must begin with an a' }), 'b', 'must begin with an a'],
  [Type.String({ pattern: '^a', errorMessage: 'must begin with an a' }), 7, 'must be a string, not a number'],
  [
    Type.Union([Type.Literal('minute'), Type.Literal('hour')]),
    'minutes',
    'must be one of "minute", "hour"; did you mean "minute"?',
  ],
  [
    Type.Union([Type.Literal('*'), Type.Array(Type.String())], { errorMessage: 'must be "*" or a list' }),
    7,
    'must be "*" or a list',
  ],
])('says of %j that %j %s', (schema, value, message) => {
  expect(documentErrors(Type.Object({ field: schema }), { field: value })).toEqual([{ field: 'field', message }])
})

it('names the member of a record that is wrong, unless its name may be a secret', () => {
  const schema = Type.Object({ tags: Type.Record(Type.String(), Type.String()) })
  expect(documentErrors(schema, { tags: { a: 'x', team: 7, 'sk-1f0e9d8c7b6a5f4e': 8 } })).toEqual([
    { field: 'tags.team', message: 'must be a string, not a number' },
    { field: 'tags.(a name that is not shown)', message: 'must be a string, not a number' },
  ])
})

it('names the field that was probably meant', () => {
  expect(documentErrors(Document, { text: 'ab', chioce: 'x' })).toEqual([
    { field: 'chioce', message: 'is not known; did you mean "choice"?' },
  ])
})

it('shows no value', () => {
  const errors = documentErrors(Document, { text: 's3cret', choice: 's3cret', either: 's3cret', items: 's3cret' })
  expect(errors).toHaveLength(4)
  expect(JSON.stringify(errors)).not.toContain('s3cret')
})

it('shows no name that may be a secret', () => {
  const fields = { text: 'ab', 'sk-1f0e9d8c7b6a5f4e': 1, slc_0aB9Zz7: 1, naem: 1, max_tokens: 1 }
  expect(documentErrors(Document, fields).map(({ field }) => field)).toEqual([
    '(a name that is not shown)',
    '(a name that is not shown)',
    'naem',
    'max_tokens',
  ])
})

it('leaves text alone that is not to be stored', () => {
  const schema = Type.Object({ texts: Type.Array(Type.String()) })
  const value = { texts: ['a\0', '\ud800'] }
  expect(documentErrors(schema, value).map(({ field }) => field)).toEqual(['texts.0', 'texts.1'])
  expect(shapeError(schema, value)).toBeUndefined()
  expect(shapeError(schema, { texts: [1] })).toMatchObject({ field: 'texts.0' })
})

it('stops at the first error of a shape, and looks at no item beyond an array’s limit', () => {
  let looks = 0
  const wrong = {
    get n() {
      looks++
      return 'x'
    },
  }
  const schema = Type.Object({ items: Type.Array(Type.Object({ n: Type.Integer() }), { maxItems: 2 }) })
  expect(shapeError(schema, { items: Array(1_000).fill(wrong) })).toMatchObject({ field: 'items.0.n' })
  expect(looks).toBeLessThan(10)
  expect(shapeError(schema, { items: Array(1_000).fill({ n: 1 }) })).toEqual({
    field: 'items',
    message: 'must not have more than 2 items',
  })
})

const Text = Type.Object({ type: Type.Literal('text'), text: Type.String() }, { additionalProperties: false })
const Picture = Type.Object(
  { type: Type.Literal('picture'), picture: Type.Object({ url: Type.String() }) },
  { additionalProperties: false },
)
const Said = Type.Object({ by: Type.Union([Type.Literal('user'), Type.Literal('guest')]), said: Type.String() })
const Done = Type.Object({ by: Type.Literal('tool'), done: Type.String() })
const Unions = Type.Object({
  parts: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.Union([Text, Picture]), { minItems: 1 }), Type.Null()]),
  ),
  event: Type.Optional(Type.Union([Said, Done])),
  choice: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('auto'), Text])),
  place: Type.Optional(
    Type.Union([
      Type.Object({ x: Type.Integer(), y: Type.Integer(), z: Type.Integer() }),
      Type.Object({ street: Type.String(), city: Type.String() }),
    ]),
  ),
  limit: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('none'), Type.Boolean()])),
  group: Type.Optional(Type.Union([Type.Record(Type.String(), Type.Integer()), Type.String({ maxLength: 3 })])),
})

it.each([
  [{ parts: 7 }, 'parts', 'must be a string, an array or null'],
  [{ parts: { type: 'text' } }, 'parts', 'must be a string, an array or null'],
  [{ parts: [] }, 'parts', 'must not be empty'],
  [{ parts: ['x'] }, 'parts.0', 'must be an object'],
  [{ parts: [{ text: 'x' }] }, 'parts.0.type', 'is required: it is one of "text", "picture"'],
  [{ parts: [{ type: 'sound' }] }, 'parts.0.type', 'must be one of "text", "picture"'],
  [{ parts: [{ type: 7 }] }, 'parts.0.type', 'must be one of "text", "picture"'],
  [{ parts: [{ type: 'text', text: 'x' }, { type: 'picture' }] }, 'parts.1.picture', 'is required'],
  [{ parts: [{ type: 'picture', picture: { url: 7 } }] }, 'parts.0.picture.url', 'must be a string, not a number'],
  [{ parts: [{ type: 'text', text: 'x', cache: true }] }, 'parts.0.cache', 'is not known'],
  [{ event: { by: 'guest' } }, 'event.said', 'is required'],
  [{ event: { by: 'bot' } }, 'event.by', 'must be one of "user", "guest", "tool"'],
  [{ choice: 'maybe' }, 'choice', 'must be "none", "auto" or an object'],
  [{ choice: { type: 'text' } }, 'choice.text', 'is required'],
  [{ place: { street: 'x' } }, 'place.city', 'is required'],
  [{ place: { x: 1, y: 2 } }, 'place.z', 'is required'],
  [{ limit: 0 }, 'limit', 'must be at least 1, not 0'],
  [{ limit: 'all' }, 'limit', 'must be a number, "none" or a boolean'],
  [{ group: { a: 'x' } }, 'group.a', 'must be an integer, not a string'],
  [{ group: 'long' }, 'group', expect.stringContaining('3')],
  [{ group: [] }, 'group', 'must be an object or a string'],
])('says of %j what is wrong by the nearest shape', (document, field, message) => {
  expect(documentErrors(Unions, document)).toEqual([{ field, message }])
  expect(shapeError(Unions, document)).toEqual({ field, message })
})

it('counts no more errors of a shape than tell it from the others', () => {
  let looks = 0
  const wrong = {
    get n() {
      looks++
      return 'x'
    },
  }
  const items = Type.Array(Type.Object({ n: Type.Integer() }))
  const schema = Type.Union([Type.Object({ a: items }), Type.Object({ a: items, b: Type.String() })])
  expect(shapeError(schema, { a: Array(10_000).fill(wrong) })).toMatchObject({ field: 'a.0.n' })
  expect(looks).toBeLessThan(100)
})

it('leaves ordinary text as it is', () => {
  expect(storableText('gpt-4.1 ümläut 🙂', 256)).toBe('gpt-4.1 ümläut 🙂')
})

it('replaces what PostgreSQL cannot keep, also where cutting splits a character', () => {
  expect(storableText('a\0b\ud800c', 256)).toBe('a\ufffdb\ufffdc')
  expect(storableText('ab🙂', 3)).toBe('ab\ufffd')
})

/** Of all Unicode. `unit: 'binary'` is the same but takes a second and a half to prepare. */
const anyCharacter = fc
  .oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))

it('never gives NUL, a lone surrogate, or more than was asked for', () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), fc.nat(20), (text, maxChars) => {
      const stored = storableText(`${text}\0`, maxChars)
      expect(stored.length).toBeLessThanOrEqual(maxChars)
      expect(stored.includes('\0')).toBe(false)
      expect(stored.isWellFormed()).toBe(true)
    }),
  )
})
