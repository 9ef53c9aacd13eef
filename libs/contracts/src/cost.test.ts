import { expect, it } from 'vitest'
import { METRICS } from './capacity.ts'
import { addCost, amountOf, exceeds, excessOf, isNothing, NO_COST, sumOf } from './cost.ts'

const whole = { requests: 1, tokens: 100 }
const split = { requests: 1, tokens: 50, inputTokens: 45, outputTokens: 5 }

it('counts tokens whose parts are not told apart as a whole toward each part', () => {
  expect(METRICS.map((metric) => amountOf(whole, metric))).toEqual([1, 100, 100, 100])
  expect(METRICS.map((metric) => amountOf(split, metric))).toEqual([1, 50, 45, 5])
  expect(METRICS.map((metric) => amountOf(sumOf(whole, split), metric))).toEqual([2, 150, 145, 105])
})

it('adds up to no parts where neither cost tells any', () => {
  expect(sumOf(whole, whole)).toEqual({ requests: 2, tokens: 200 })
  expect(sumOf(NO_COST, split)).toEqual(split)
})

it('adds in place the same as into a new object', () => {
  for (const [a, b] of [
    [whole, split],
    [split, whole],
    [whole, whole],
    [split, split],
  ] as const) {
    const sum = { ...a }
    addCost(sum, b)
    expect(sum).toEqual(sumOf(a, b))
  }
})

it('gives what exceeds in one part although the sum is the same', () => {
  const actual = { requests: 1, tokens: 50, inputTokens: 10, outputTokens: 40 }
  expect(excessOf(split, actual)).toEqual({ requests: 0, tokens: 0, inputTokens: 35, outputTokens: 0 })
  expect(excessOf(actual, split)).toEqual({ requests: 0, tokens: 0, inputTokens: 0, outputTokens: 35 })
  expect(excessOf(split, split)).toBeUndefined()
  expect([exceeds(split, actual), exceeds(actual, split), exceeds(split, split), exceeds(split, whole)]).toEqual([
    true,
    true,
    false,
    false,
  ])
})

it('sees a part that is used where the sum is not', () => {
  expect(isNothing({ requests: 0, tokens: 0, outputTokens: 1 })).toBe(false)
  expect(isNothing({ requests: 0, tokens: 0, outputTokens: 0 })).toBe(true)
  expect(isNothing(NO_COST)).toBe(true)
})
