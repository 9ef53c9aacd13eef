import { expect, it } from 'vitest'
import { rendezvousOrder } from './live-members.ts'

const keys = Array.from({ length: 3_000 }, (_, i) => `connection-${i}`)

it('spreads keys evenly over members', () => {
  const members = ['a', 'b', 'c']
  const counts = new Map<string, number>()
  for (const key of keys) {
    const [first = ''] = rendezvousOrder(members, key)
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  for (const member of members) {
    expect(counts.get(member)).toBeGreaterThan(850)
    expect(counts.get(member)).toBeLessThan(1_150)
  }
})

it('orders members the same way whatever order they are listed in', () => {
  for (const key of keys.slice(0, 100)) {
    expect(rendezvousOrder(['a', 'b', 'c'], key)).toEqual(rendezvousOrder(['c', 'a', 'b'], key))
  }
})

it('moves only the keys of a member that leaves', () => {
  for (const key of keys) {
    const [before = ''] = rendezvousOrder(['a', 'b', 'c'], key)
    const [after] = rendezvousOrder(['a', 'b'], key)
    if (before !== 'c') expect(after).toBe(before)
  }
})
