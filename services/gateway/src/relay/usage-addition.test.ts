import { expect, it } from 'vitest'
import { StreamUsageRefusals } from './usage-addition.ts'

const MINUTE_MS = 60_000
const connection = { id: 'c', version: 3 }

/** Refusals of model `m`, as two different requests have shown them. */
function refusing(nowMs = 0): StreamUsageRefusals {
  const refusals = new StreamUsageRefusals()
  refusals.refused(connection, 'm', 'a', nowMs)
  refusals.refused(connection, 'm', 'b', nowMs)
  return refusals
}

it('leaves it out once two different requests were refused, for that model alone', () => {
  const refusals = new StreamUsageRefusals()
  expect(refusals.requestsUsage(connection, 'm', 0)).toBe(true)
  refusals.refused(connection, 'm', 'a', 0)
  expect(refusals.requestsUsage(connection, 'm', 1)).toBe(true)
  refusals.refused(connection, 'm', 'b', 2)
  expect(refusals.requestsUsage(connection, 'm', 3)).toBe(false)
  expect(refusals.requestsUsage(connection, 'other', 3)).toBe(true)
  expect(refusals.requestsUsage({ ...connection, id: 'other' }, 'm', 3)).toBe(true)
})

it('needs more refusals of one and the same request', () => {
  const refusals = new StreamUsageRefusals()
  for (let n = 0; n < 4; n++) refusals.refused(connection, 'm', 'a', n)
  expect(refusals.requestsUsage(connection, 'm', 5)).toBe(true)
  refusals.refused(connection, 'm', 'a', 6)
  expect(refusals.requestsUsage(connection, 'm', 7)).toBe(false)
})

it('forgets refusals when a stream is accepted with it', () => {
  const refusals = new StreamUsageRefusals()
  for (let n = 0; n < 20; n++) {
    refusals.refused(connection, 'm', `a${n}`, n)
    refusals.accepted(connection, 'm')
  }
  expect(refusals.requestsUsage(connection, 'm', 30)).toBe(true)
  const known = refusing()
  // It left before the refusals were known.
  known.accepted(connection, 'm')
  expect(known.requestsUsage(connection, 'm', 1)).toBe(true)
})

it('has one stream try it again after a minute, whatever has been sent since', () => {
  const refusals = refusing()
  expect(refusals.requestsUsage(connection, 'm', MINUTE_MS - 1)).toBe(false)
  expect([1, 2, 3].map(() => refusals.requestsUsage(connection, 'm', MINUTE_MS))).toEqual([true, false, false])
  refusals.accepted(connection, 'm')
  expect(refusals.requestsUsage(connection, 'm', MINUTE_MS)).toBe(true)
})

it('tries it less and less often, at most every 16 minutes', () => {
  const refusals = refusing()
  const triedAt: number[] = []
  for (let second = 0; second < 6_000; second++) {
    if (!refusals.requestsUsage(connection, 'm', second * 1_000)) continue
    triedAt.push(second / 60)
    refusals.refused(connection, 'm', `try ${second}`, second * 1_000)
  }
  expect(triedAt).toEqual([1, 3, 7, 15, 31, 47, 63, 79, 95])
})

it('sends at most one in twenty twice, however few there are', () => {
  const refusals = refusing()
  let tries = 0
  for (let hour = 1; hour <= 200; hour++) {
    if (!refusals.requestsUsage(connection, 'm', hour * 3_600_000)) continue
    tries++
    refusals.refused(connection, 'm', 'again', hour * 3_600_000)
  }
  expect(tries).toBe(10)
})

it('begins again when the connection changes, whatever still comes of what it was before', () => {
  const refusals = refusing()
  const changed = { ...connection, version: 4 }
  expect(refusals.requestsUsage(changed, 'm', 1)).toBe(true)
  for (const request of ['a', 'b']) refusals.refused(changed, 'n', request, 1)
  for (const request of ['a', 'b']) refusals.refused(connection, 'm', request, 2)
  refusals.accepted(connection, 'n')
  expect(['m', 'n'].map((model) => refusals.requestsUsage(changed, model, 3))).toEqual([true, false])
})

it('forgets the oldest of many models and connections', () => {
  const refusals = new StreamUsageRefusals()
  const refuse = (id: string, model: string): void => {
    for (const request of ['a', 'b']) refusals.refused({ id, version: 3 }, model, request, 0)
  }
  for (let n = 0; n < 200; n++) refuse('c', `m${n}`)
  expect(['m149', 'm150', 'm199'].map((model) => refusals.requestsUsage(connection, model, 1))).toEqual([
    true,
    false,
    false,
  ])
  for (let n = 0; n < 1_000; n++) refuse(`d${n}`, 'm')
  expect(refusals.requestsUsage(connection, 'm199', 1)).toBe(true)
})
