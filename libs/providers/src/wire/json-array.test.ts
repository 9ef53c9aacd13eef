import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { JsonArraySplitter } from './json-array.ts'

it('finds each object of an array, whatever they hold and however they are cut', () => {
  const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue()))
  fc.assert(
    fc.property(
      objects,
      fc.nat(2),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (given, indent, sizes) => {
        const found = objectsIn(cut(Buffer.from(JSON.stringify(given, undefined, indent)), sizes))
        expect(found).toEqual(JSON.parse(JSON.stringify(given)))
      },
    ),
    { numRuns: 1_000 },
  )
})

it('leaves out an object that is not complete', () => {
  expect(objectsIn([Buffer.from('[{"a":1},{"b":')])).toEqual([{ a: 1 }])
})

it('leaves out an object that is too long to be kept, and goes on behind it', () => {
  const long = Buffer.from(`[{"a":"${'x'.repeat(9 * 1024 * 1024)}"},{"b":2}]`)
  expect(objectsIn(cut(long, [64 * 1024]))).toEqual([{ b: 2 }])
})

function objectsIn(pieces: readonly Buffer[]): unknown[] {
  const found: unknown[] = []
  const splitter = new JsonArraySplitter((element) => found.push(JSON.parse(element.toString())))
  for (const piece of pieces) splitter.push(piece)
  splitter.end()
  return found
}
