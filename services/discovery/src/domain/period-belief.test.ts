import fc from 'fast-check'
import { expect, it } from 'vitest'
import { afterLimitChange, afterVote, MAX_CONFIDENCE, NO_BELIEF } from './period-belief.ts'

const votes = (...periods: (number | undefined)[]) => periods.reduce(afterVote, NO_BELIEF)

it('believes the first answer, and more so the more say the same', () => {
  expect(votes(undefined)).toEqual(NO_BELIEF)
  expect(votes(undefined, 60)).toEqual({ periodMs: 60, confidence: 1 })
  expect(votes(60, 60, undefined, 60)).toEqual({ periodMs: 60, confidence: 3 })
  expect(votes(...Array<number>(100).fill(60))).toEqual({ periodMs: 60, confidence: MAX_CONFIDENCE })
})

it('gives up nothing for one answer that contradicts', () => {
  expect(votes(60, 3_600)).toMatchObject({ periodMs: 60 })
  expect(votes(60, 3_600, 60)).toMatchObject({ periodMs: 60 })
  expect(votes(60, 3_600, 3_600)).toEqual({ periodMs: 3_600, confidence: 1 })
})

it('comes to what most answers say, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(60, 3_600, 86_400, undefined)), (before) => {
      const outvoted = Array<number>(MAX_CONFIDENCE + 1).fill(60)
      expect(votes(...before, ...outvoted)).toMatchObject({ periodMs: 60 })
    }),
  )
})

it('is less sure of it when the limit has become another', () => {
  const changed = afterLimitChange(votes(60, 60, 60))
  expect(changed).toEqual({ periodMs: 60, confidence: 1 })
  expect(afterVote(changed, 3_600)).toMatchObject({ periodMs: 60 })
  expect(afterLimitChange(NO_BELIEF)).toEqual(NO_BELIEF)
})
