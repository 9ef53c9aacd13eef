import { expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.ts'

/** A new one for every run: the name of a test that failed says which. */
const seed = Math.floor(Math.random() * 2 ** 31)

it(`a gateway withstands nonsense beside requests that it answers (seed ${seed})`, async () => {
  const { outcomes, canaries, ...left } = await fuzz(seed, 2, 2_000)
  expect(left).toMatchObject({ isAlive: true, unforeseenFaults: 0, reserved: 0, openConnections: 0 })
  expect(canaries.failures).toEqual([])
  for (const count of Object.values(canaries.answered)) expect(count).toBeGreaterThan(5)
  // It said something that was answered, and something that was refused, over each.
  const kinds = [...outcomes.keys()].join('\n')
  for (const kind of ['HTTP/1.1: 200', 'HTTP/1.1: 400', 'HTTP/2: responses', 'goaway']) expect(kinds).toContain(kind)
}, 60_000)
