import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ByteAccount, type HeldBytes } from './held-bytes.ts'

/** Holds byte by byte until there is no room. */
function fill(held: HeldBytes): number {
  let bytes = 0
  while (held.hold(1) === 'held') bytes++
  return bytes
}

it('lets a key that is alone hold half, and two that are greedy a third each', () => {
  const account = new ByteAccount(300)
  const first = account.open('a')
  const release = first.share()
  expect(fill(first)).toBe(150)
  // The free half is shared with the next, who may hold as much as is free then.
  expect(fill(account.open('b'))).toBe(75)
  release()
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

it('holds bytes for as long as one holder does, and none for a request that is over', () => {
  const account = new ByteAccount(100)
  const held = account.open('a')
  const [first, second] = [held.share(), held.share()]
  held.hold(10)
  first()
  first()
  expect(account.totalBytes).toBe(10)
  second()
  expect(held.hold(10)).toBe('released')
  expect(account.totalBytes).toBe(0)
})

it('takes back what is dropped while the request goes on', () => {
  const account = new ByteAccount(100)
  const held = account.open('a')
  held.hold(50)
  held.giveBack()
  expect(account.totalBytes).toBe(0)
  expect(held.hold(50)).toBe('held')
})

it('never holds more than the limit, and in the end nothing', () => {
  const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(60), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (given) => {
      const account = new ByteAccount(100)
      const open = (at: number) => {
        const held = account.open(`key-${at % 3}`)
        return { held, release: held.share() }
      }
      const requests = Array.from({ length: 10 }, (_, at) => open(at))
      for (const [at, bytes, isOver] of given) {
        if (isOver) {
          requests[at]?.release()
          requests[at] = open(at)
        } else requests[at]?.held.hold(bytes)
        expect(account.totalBytes).toBeLessThanOrEqual(100)
      }
      for (const { release } of requests) release()
      expect(account.totalBytes).toBe(0)
    }),
  )
})
