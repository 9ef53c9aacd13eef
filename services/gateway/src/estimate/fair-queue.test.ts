import { expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

it('lets owners take turns, each with its items in order', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2', 'a3']) queue.add('a', item)
  queue.add('b', 'b1')
  const taken = [queue.take(), queue.take()]
  queue.add('b', 'b2')
  queue.add('c', 'c1')
  for (let n = 0; n < 5; n++) taken.push(queue.take())
  expect(taken).toEqual(['a1', 'b1', 'a2', 'b2', 'c1', 'a3', undefined])
})

it('skips an owner on request, who keeps its place', () => {
  const queue = new FairQueue<string>()
  for (const item of ['a1', 'a2']) queue.add('a', item)
  queue.add('b', 'b1')
  const isA = (owner: string): boolean => owner === 'a'
  expect([queue.take(isA), queue.take(isA), queue.take(), queue.take()]).toEqual(['b1', undefined, 'a1', 'a2'])
})
