import { beforeEach, expect, it } from 'vitest'
import { Slots, type Taken } from './slots.ts'

const PATIENT = { disconnected: new AbortController().signal, maxWaitMs: 60_000 }
let slots: Slots
/** Whose requests got slots, in order. */
let order: string[]
let held: (() => void)[]

beforeEach(() => {
  slots = new Slots({ count: 8, maxWaitingPerOwner: 100 })
  order = []
  held = []
})

async function takeMany(owner: string, times: number, wait = PATIENT): Promise<Taken['status'][]> {
  const statuses: Taken['status'][] = []
  for (let index = 0; index < times; index++) {
    void slots.take(owner, wait).then((taken) => {
      statuses.push(taken.status)
      if (taken.status !== 'taken') return
      order.push(owner)
      held.push(taken.giveBack)
    })
  }
  await settled()
  return statuses
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Gives back the slot that was taken first. */
async function giveBack(): Promise<void> {
  held.shift()?.()
  await settled()
}

it('gives an owner half of the slots, and others as many as they take', async () => {
  expect(await takeMany('greedy', 100)).toHaveLength(4)
  expect(await takeMany('other', 2)).toEqual(['taken', 'taken'])
  expect(await takeMany('third', 1)).toEqual(['taken'])
  expect(await takeMany('fourth', 1)).toEqual(['taken'])
  expect(await takeMany('fifth', 1)).toEqual([])
})

it('serves owners that wait in turns, and each owner’s requests in their order', async () => {
  for (const owner of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await takeMany(owner, 1)
  await takeMany('many', 50)
  await takeMany('few', 3)
  await takeMany('one', 1)
  order = []
  for (let times = 0; times < 8; times++) await giveBack()
  expect(order.slice(0, 6)).toEqual(['many', 'few', 'one', 'many', 'few', 'many'])
  expect(order.length).toBeLessThan(8)
  while (held.length > 0) await giveBack()
  expect(order.filter((owner) => owner === 'many')).toHaveLength(50)
  expect(order.filter((owner) => owner === 'few')).toHaveLength(3)
})

it('is full again only when as much is under way as there are slots', async () => {
  let most = 0
  for (const owner of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) await takeMany(owner, 5)
  while (held.length > 0) {
    most = Math.max(most, held.length)
    await giveBack()
  }
  expect(most).toBe(8)
  expect(order).toHaveLength(50)
})

it('takes a slot back once, however often it is given', async () => {
  await takeMany('a', 4)
  const first = held[0]
  first?.()
  first?.()
  held.shift()
  expect(await takeMany('b', 100)).toHaveLength(3)
})

it('turns away what waits beyond an owner’s part, and no other owner', async () => {
  slots = new Slots({ count: 1, maxWaitingPerOwner: 2 })
  expect(await takeMany('greedy', 5)).toEqual(['taken', 'crowded', 'crowded'])
  expect(await takeMany('other', 1)).toEqual([])
  await giveBack()
  await giveBack()
  expect(order).toEqual(['greedy', 'greedy', 'other'])
})

it('gives up the place of a client that disconnects, and of one that waited for too long', async () => {
  slots = new Slots({ count: 1, maxWaitingPerOwner: 2 })
  await takeMany('first', 1)
  const leaving = new AbortController()
  const waiting = slots.take('a', { ...PATIENT, disconnected: leaving.signal })
  const late = slots.take('b', { ...PATIENT, maxWaitMs: 1 })
  await takeMany('c', 1)
  leaving.abort()
  expect(await waiting).toEqual({ status: 'disconnected' })
  expect(await late).toEqual({ status: 'late' })
  expect(await slots.take('a', { ...PATIENT, disconnected: leaving.signal })).toEqual({ status: 'disconnected' })
  await giveBack()
  expect(order).toEqual(['first', 'c'])
})
