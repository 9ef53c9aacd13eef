import { expect, it } from 'vitest'
import { growthBytes } from './memory.ts'

const sample = (atMs: number, heldBytes: number) => ({ atMs, heldBytes, rssBytes: 0 })
const held = ({ heldBytes }: { heldBytes: number }) => heldBytes

it('returns the growth over the second half, whatever the first half did', () => {
  const rising = [0, 1, 2, 3, 4, 5, 6, 7].map((index) => sample(index * 1_000, index < 4 ? 9_999 * index : 10 * index))
  expect(growthBytes(rising, held)).toBeCloseTo(30)
})

it('reads a fluctuating level as no growth', () => {
  const wavy = [5, 5, 5, 5, 1, 9, 9, 1].map((bytes, index) => sample(index, bytes))
  expect(growthBytes(wavy, held)).toBeCloseTo(0)
})
