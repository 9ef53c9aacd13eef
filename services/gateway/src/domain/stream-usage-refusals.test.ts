import { expect, it } from 'vitest'
import { StreamUsageRefusals } from './stream-usage-refusals.ts'

const HOUR_MS = 3_600_000
const connection = { id: 'c', version: 3 }

it('remembers a refusal for an hour', () => {
  const refusals = new StreamUsageRefusals()
  expect([refusals.modelsOf(connection, 0), refusals.mayRetry(connection, 'm', 0)]).toEqual([undefined, true])
  refusals.note(connection, 'm', true, 0)
  expect([refusals.modelsOf(connection, HOUR_MS - 1), refusals.mayRetry(connection, 'm', 1)]).toEqual([['m'], false])
  expect([refusals.modelsOf(connection, HOUR_MS), refusals.mayRetry(connection, 'm', HOUR_MS)]).toEqual([
    undefined,
    true,
  ])
  expect(refusals.modelsOf({ ...connection, id: 'other' }, 1)).toBeUndefined()
})

it('tries no more for five minutes where leaving it out made no difference', () => {
  const refusals = new StreamUsageRefusals()
  refusals.note(connection, 'm', false, 0)
  expect(refusals.modelsOf(connection, 1)).toBeUndefined()
  expect(refusals.mayRetry(connection, 'm', 299_999)).toBe(false)
  expect(refusals.mayRetry(connection, 'm', 300_000)).toBe(true)
  expect(refusals.mayRetry(connection, 'other', 1)).toBe(true)
})

it('begins again when the connection changes, whatever still comes of what it was before', () => {
  const refusals = new StreamUsageRefusals()
  const changed = { ...connection, version: 4 }
  refusals.note(connection, 'm', true, 0)
  expect([refusals.modelsOf(changed, 1), refusals.mayRetry(changed, 'm', 1)]).toEqual([undefined, true])
  refusals.note(changed, 'n', true, 1)
  refusals.note(connection, 'm', true, 2)
  expect(refusals.modelsOf(changed, 3)).toEqual(['n'])
})

it('forgets the oldest of many models and connections', () => {
  const refusals = new StreamUsageRefusals()
  for (let n = 0; n < 200; n++) refusals.note(connection, `m${n}`, true, 0)
  expect(refusals.modelsOf(connection, 1)).toHaveLength(50)
  expect(refusals.modelsOf(connection, 1)).toContain('m199')
  for (let n = 0; n < 1_000; n++) refusals.note({ id: `c${n}`, version: 1 }, 'm', true, 0)
  expect(refusals.modelsOf(connection, 1)).toBeUndefined()
})
