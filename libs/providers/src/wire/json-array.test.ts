import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { JsonArraySplitter } from './json-array.ts'

it('finds each object of an array, whatever they hold and however they are cut', () => {
  const text = fc.string({ unit: fc.constantFrom(...'"\\{}[],:é', 'a\n') }).map((content) => JSON.stringify(content))
  const gap = fc.constantFrom('', '', ' ', '\n\t')
  const { object } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      text,
      fc.constantFrom('null', 'true', '-1.5e3'),
      tie('array'),
      tie('object'),
    ),
    array: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    object: fc
      .tuple(fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }), gap)
      .map(([members, space]) => `{${members.map(([name, value]) => `${name}:${space}${value}`).join(`,${space}`)}}`),
  }))
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(object), gap, fc.array(sizes, { minLength: 4, maxLength: 4 }), (objects, space, ways) => {
      const array = Buffer.from(`[${space}${objects.join(`,${space}`)}${space}]`)
      for (const way of ways) expect(objectsIn(cut(array, way))).toEqual(objects)
    }),
    { numRuns: 250 },
  )
})

it('leaves out an object that is not complete', () => {
  expect(objectsIn([Buffer.from('[{"a":1},{"b":')])).toEqual(['{"a":1}'])
})

it('leaves out an object that is too long to be kept, and goes on behind it', () => {
  const long = Buffer.from(`[{"a":"${'x'.repeat(9 * 1024 * 1024)}"},{"b":2}]`)
  expect(objectsIn(cut(long, [64 * 1024]))).toEqual(['{"b":2}'])
})

function objectsIn(pieces: readonly Buffer[]): string[] {
  const found: string[] = []
  const splitter = new JsonArraySplitter((element) => found.push(element.toString()))
  for (const piece of pieces) splitter.push(piece)
  splitter.end()
  return found
}
