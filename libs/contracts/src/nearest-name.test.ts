import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { didYouMean, nearestName } from './nearest-name.ts'

describe('the nearest name', () => {
  it.each([
    ['basUrl', ['apiKey', 'baseUrl'], 'baseUrl'],
    ['base_url', ['apiKey', 'baseUrl'], 'baseUrl'],
    ['BASEURL', ['apiKey', 'baseUrl'], 'baseUrl'],
    ['us-east1', ['us-east-1', 'us-east-2'], 'us-east-1'],
    ['eu-wset-1', ['eu-east-1', 'eu-west-1'], 'eu-west-1'],
    ['entirely', ['apiKey', 'baseUrl'], undefined],
    ['', ['a'], undefined],
    ['x'.repeat(100), ['x'.repeat(100)], undefined],
    ['to', ['from', 'to', 'step'], 'to'],
    ['z', ['x', 'y'], undefined],
    ['lmit', ['limit'], 'limit'],
  ])('to %j of %j is %j', (given, known, expected) => {
    expect(nearestName(given, known)).toBe(expected)
  })

  it('is one of those that are known, and itself where it is known', () => {
    const names = fc.array(fc.stringMatching(/^[a-z]{3,12}$/), { minLength: 1 })
    fc.assert(
      fc.property(fc.string(), names, (given, known) => {
        const found = nearestName(given, known)
        if (found !== undefined) expect(known).toContain(found)
        const [one = ''] = known
        expect(nearestName(one, known)).toBe(one)
      }),
    )
  })
})

it('makes a question of the nearest name, and nothing of none', () => {
  expect(didYouMean('lmit', ['limit'])).toBe('; did you mean "limit"?')
  expect(didYouMean('other', ['limit'])).toBe('')
})
