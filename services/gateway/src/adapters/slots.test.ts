import { expect, it } from 'vitest'
import { Slots } from './slots.ts'

it('runs so much at a time, in order, whatever fails', async () => {
  const slots = new Slots(2)
  let running = 0
  let most = 0
  const order: number[] = []
  const work = (index: number) => async () => {
    most = Math.max(most, ++running)
    order.push(index)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    if (index % 3 === 0) throw new Error(`no ${index}`)
    return index
  }
  const outcomes = await Promise.allSettled(Array.from({ length: 9 }, (_, index) => slots.run(work(index))))
  expect(most).toBe(2)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(order.map((index) => index % 3 !== 0))
})
