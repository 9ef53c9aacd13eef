import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteAccount, type HeldBytes } from './byte-account.ts'

/** Holds byte by byte until there is no room. */
function fill(held: HeldBytes): number {
  let bytes = 0
  while (held.hold(1) === 'held') bytes++
  return bytes
}

it('lets a key that is alone hold half, and two that are greedy a third each', () => {
  const account = new ByteAccount(300)
  const first = account.open('a')
  expect(fill(first)).toBe(150)
  // The free half is shared with the next, who may hold as much as is free then.
  expect(fill(account.open('b'))).toBe(75)
  first.release()
  expect(fill(account.open('c'))).toBe(113)
})

it('always has room for one more key, however many requests the others send', () => {
  const account = new ByteAccount(1_000)
  for (let request = 0; request < 100; request++) fill(account.open('greedy'))
  expect(account.open('other').hold(100)).toBe('held')
})

it('says whether the key or the process holds too much', () => {
  const account = new ByteAccount(100)
  expect(account.open('a').hold(40)).toBe('held')
  expect(account.open('a').hold(40)).toBe('owner-full')
  expect(account.open('b').hold(61)).toBe('full')
})

it('holds nothing for a request that is over', () => {
  const account = new ByteAccount(100)
  const held = account.open('a')
  held.hold(10)
  held.release()
  held.release()
  expect(held.hold(10)).toBe('released')
  expect(account.totalBytes).toBe(0)
})

it('never holds more than the limit, and in the end nothing', () => {
  const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(60), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (given) => {
      const account = new ByteAccount(100)
      const requests = Array.from({ length: 10 }, (_, at) => account.open(`key-${at % 3}`))
      for (const [at, bytes, isOver] of given) {
        const request = requests[at]
        if (isOver) {
          request?.release()
          requests[at] = account.open(`key-${at % 3}`)
        } else request?.hold(bytes)
        expect(account.totalBytes).toBeLessThanOrEqual(100)
      }
      for (const request of requests) request.release()
      expect(account.totalBytes).toBe(0)
    }),
  )
})
