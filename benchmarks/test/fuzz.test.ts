import { expect, it } from 'vitest'
import { fuzz } from '../fuzz/fuzz.ts'

/** A new seed for every run, shown in the name of the test. */
const seed = Math.floor(Math.random() * 2 ** 31)

it(`a gateway survives malformed input while it serves valid requests (seed ${seed})`, async () => {
  const { outcomes, canaries, ...state } = await fuzz(seed, 2, 2_000)
  expect(state).toMatchObject({ isAlive: true, unforeseenFaults: 0, reserved: 0, openConnections: 0 })
  expect(canaries.failures).toEqual([])
  for (const count of Object.values(canaries.succeeded)) expect(count).toBeGreaterThan(5)
  // Over each protocol, some input got a response and some was refused.
  const kinds = [...outcomes.keys()].join('\n')
  for (const kind of ['HTTP/1.1: 200', 'HTTP/1.1: 400', 'HTTP/2: responses', 'goaway']) expect(kinds).toContain(kind)
}, 60_000)
