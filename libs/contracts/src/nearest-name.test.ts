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

describe('the distance behind it', () => {
  /** The textbook's, of the whole table. */
  const plainly = (a: string, b: string): number => {
    const table = Array.from({ length: a.length + 1 }, (_, i) =>
      Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
    )
    const cell = (i: number, j: number) => table[i]?.[j] ?? Number.NaN
    for (let i = 1; i <= a.length; i++) {
      for (let j = 1; j <= b.length; j++) {
        const change = a[i - 1] === b[j - 1] ? 0 : 1
        let least = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + change)
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          least = Math.min(least, cell(i - 2, j - 2) + 1)
        ;(table[i] as number[])[j] = least
      }
    }
    return cell(a.length, b.length)
  }

  it('is the same as the whole table has it', () => {
    const word = fc.stringMatching(/^[abc]{1,14}$/)
    fc.assert(
      fc.property(word, word, (given, name) => {
        const isNear = plainly(given, name) <= Math.min(3, Math.floor(given.length / 3))
        expect(nearestName(given, [name])).toBe(isNear ? name : undefined)
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes little time where names are many and alike', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `${'ab'.repeat(28)}${index + 1_000}`)
    const given = 'cd'.repeat(30)
    // As long as they are, so that none is left out for its length.
    expect(names[0]).toHaveLength(given.length)
    const began = process.cpuUsage()
    for (let i = 0; i < 50; i++) nearestName(given, names)
    const { user, system } = process.cpuUsage(began)
    // Of fifty: the whole tables take more than ten seconds.
    expect((user + system) / 1_000).toBeLessThan(4_000)
  })
})

it('makes a question of the nearest name, and nothing of none', () => {
  expect(didYouMean('lmit', ['limit'])).toBe('; did you mean "limit"?')
  expect(didYouMean('other', ['limit'])).toBe('')
})
