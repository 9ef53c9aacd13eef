import { OTHER_MODEL, type ResponseEvent } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventQueue, MAX_NAMES, requestsOf } from './event-queue.ts'

const MINUTE_MS = 60_000

it('keeps events of sent requests unchanged and in order', () => {
  const queue = new EventQueue()
  const sent = [event({ requestId: '1', upstreamMs: 5 }), event({ requestId: '2' }), event({ upstreamStatus: 429 })]
  for (const each of sent) queue.add(each)
  expect(queue.take(10)).toEqual(sent)
  expect(queue.size).toBe(0)
})

it('sums equal refused requests in one event until they are collected', () => {
  const queue = new EventQueue()
  for (let index = 0; index < 7; index++) queue.add(denied({ requestId: `r${index}` }))
  queue.add(denied({ deniedBy: 'day-tokens' }))
  expect(queue.ready).toEqual([])
  expect(queue.size).toBe(2)
  queue.collect()
  expect(queue.take(10)).toEqual([denied({ requestId: 'r0', requests: 7 }), denied({ deniedBy: 'day-tokens' })])
  expect(queue.hasTallies).toBe(false)
})

it('keeps a bounded number of model names per API key, independently of other keys', () => {
  const queue = new EventQueue()
  for (let index = 0; index < 1_000; index++) queue.add(denied({ model: `made-up-${index}` }))
  queue.add(denied({ apiKeyId: 'other', model: 'real' }))
  queue.collect()
  const events = queue.take(2_000)
  expect(events).toHaveLength(MAX_NAMES + 2)
  expect(events.find(({ model }) => model === OTHER_MODEL)).toMatchObject({ requests: 1_000 - MAX_NAMES })
  expect(events.at(-1)).toMatchObject({ apiKeyId: 'other', model: 'real' })
  queue.add(denied({ model: 'later' }))
  queue.collect()
  expect(queue.take(1)).toMatchObject([{ model: 'later' }])
})

it('drops the oldest events first, and returns them', () => {
  const queue = new EventQueue()
  for (const requestId of ['1', '2', '3']) queue.add(event({ requestId }))
  for (let index = 0; index < 9; index++) queue.add(denied())
  expect(queue.dropTo(2).map(({ requestId }) => requestId)).toEqual(['1', '2'])
  expect(queue.dropTo(0).map(requestsOf)).toEqual([1, 9])
  expect(queue.size).toBe(0)
})

it('neither loses nor doubles a request, whatever arrives and whenever it is collected, and stays bounded', () => {
  const given = fc.record({
    apiKeyId: fc.constantFrom('k1', 'k2'),
    model: fc.integer({ min: 0, max: 60 }).map(String),
    outcome: fc.constantFrom('denied' as const, 'client_error' as const, 'aborted' as const),
    endedAtMs: fc.integer({ min: 0, max: 3 * MINUTE_MS - 1 }),
  })
  const step = fc.oneof({ arbitrary: given, weight: 20 }, { arbitrary: fc.constant('collect' as const), weight: 1 })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
      const queue = new EventQueue()
      for (const each of steps) {
        if (each === 'collect') queue.collect()
        else queue.add(event(each))
      }
      queue.collect()
      const taken = queue.take(queue.size)
      const added = steps.filter((each) => each !== 'collect').map((each) => event(each))
      expect(requestsBy(taken)).toEqual(requestsBy(added))
      const names = 2 * (MAX_NAMES + 1)
      const collections = steps.filter((each) => each === 'collect').length + 1
      expect(taken.length).toBeLessThanOrEqual(collections * names * 3 * 3)
    }),
  )
})

/** Keys events by all counted attributes but the model. */
function requestsBy(events: readonly ResponseEvent[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const each of events) {
    const key = `${Math.floor(each.endedAtMs / MINUTE_MS)} ${each.apiKeyId} ${each.outcome}`
    sums[key] = (sums[key] ?? 0) + requestsOf(each)
  }
  return sums
}

function denied(given: Partial<ResponseEvent> = {}): ResponseEvent {
  return event({ outcome: 'denied', deniedBy: 'minute-requests', ...given })
}

function event(given: Partial<ResponseEvent> = {}): ResponseEvent {
  return { requestId: 'r', startedAtMs: 1, endedAtMs: 2, apiKeyId: 'k', model: 'm', outcome: 'success', ...given }
}
