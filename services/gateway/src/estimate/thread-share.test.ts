import { expect, it } from 'vitest'
import { FairQueue, ThreadTime } from './thread-share.ts'

it('lets owners take turns, each with its items in their order', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3']) queue.add('a', item)
  queue.add('b', 'b1')
  const taken = [queue.take(), queue.take()]
  queue.add('b', 'b2')
  queue.add('c', 'c1')
  for (let left = 0; left < 5; left++) taken.push(queue.take())
  expect(taken).toEqual(['a1', 'b1', 'a2', 'b2', 'c1', 'a3', undefined])
})

it('passes over an owner whose turn it is not, which keeps its place', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2']) queue.add('a', item)
  queue.add('b', 'b1')
  const isA = (owner: string): boolean => owner === 'a'
  expect([queue.take(isA), queue.take(isA), queue.take(), queue.take()]).toEqual(['b1', undefined, 'a1', 'a2'])
})

it('gives each owner a tenth of the time, and a burst', () => {
  let nowMs = 0
  const time = new ThreadTime(() => nowMs)
  let takenNs = 0
  const take = () => {
    if (time.take('a', 1_000_000)) takenNs += 1_000_000
  }
  for (let tries = 0; tries < 100; tries++) take()
  expect(takenNs).toBe(20_000_000)
  for (; nowMs < 10_000; nowMs++) take()
  expect(takenNs / 1e6 / nowMs).toBeCloseTo(0.1, 2)
  expect(time.take('b', 1_000_000)).toBe(true)
})
