import { MAX_COUNT, Settlement, validate } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { chargesOnly, createSettlementQueue, MAX_CHARGED_MODELS, MAX_COOL_DOWNS } from './settlement-queue.ts'

const refund = (chargedAtMs: number, tokens: number) => ({
  chargedAtMs,
  reserved: { requests: 1, tokens: 100 },
  actual: { requests: 1, tokens },
})

it('sums the refunds of one charge time, and keeps charge times apart', () => {
  const queue = createSettlementQueue()
  const first = refund(5, 40)
  queue.add(first)
  queue.add(refund(5, 100))
  queue.add(refund(6, 0))
  expect(queue.size).toBe(2)
  expect(queue.take(10)).toEqual([
    { chargedAtMs: 5, reserved: { requests: 2, tokens: 200 }, actual: { requests: 2, tokens: 140 } },
    refund(6, 0),
  ])
  expect(first).toEqual(refund(5, 40))
  expect(queue.size).toBe(0)
})

it('never nets an extra charge, which counts now, against a refund, which counts at its charge time', () => {
  const queue = createSettlementQueue()
  queue.add(refund(5, 40))
  queue.add(refund(5, 160))
  queue.add({ ...refund(5, 0), coolDown: { model: 'm', durationMs: 1 } })
  const nothing = { requests: 0, tokens: 0 }
  expect(queue.take(10)).toEqual([
    { chargedAtMs: 0, reserved: nothing, actual: nothing, coolDown: { model: 'm', durationMs: 1 } },
    refund(5, 160),
    { chargedAtMs: 5, reserved: { requests: 2, tokens: 200 }, actual: { requests: 2, tokens: 40 } },
  ])
})

it('keeps the longest cool-down of each model, however many there are', () => {
  const queue = createSettlementQueue()
  const paused = (model: string, durationMs: number) => ({ ...refund(5, 0), coolDown: { model, durationMs } })
  for (let i = 0; i < 1_000; i++) queue.add(paused('a', i))
  queue.add(paused('b', 7))
  expect(queue.size).toBe(3)
  expect(queue.take(2).map(({ coolDown }) => coolDown)).toEqual([
    { model: 'a', durationMs: 999 },
    { model: 'b', durationMs: 7 },
  ])
})

it('keeps the cool-downs of pools and sizes apart', () => {
  const queue = createSettlementQueue()
  const pauses = [{}, { pool: 'flex' }, { minTokens: 1_024 }, { pool: 'flex', minTokens: 1_024 }]
  for (const pause of [...pauses, ...pauses])
    queue.add({ ...refund(5, 0), coolDown: { model: 'm', durationMs: 7, ...pause } })
  expect(queue.take(4).map(({ coolDown }) => coolDown)).toEqual(
    pauses.map((pause) => ({ model: 'm', durationMs: 7, ...pause })),
  )
})

it('takes a trial’s outcome before any cool-down, and separately from refunds', () => {
  const queue = createSettlementQueue()
  const trial = { model: 'm', tokens: 9, grantedAtMs: 5, outcome: 'served' as const }
  queue.add({ ...refund(5, 0), coolDown: { model: 'm', durationMs: 7 } })
  queue.add({ ...refund(5, 0), trial })
  expect(queue.size).toBe(3)
  const nothing = { chargedAtMs: 0, reserved: { requests: 0, tokens: 0 }, actual: { requests: 0, tokens: 0 } }
  expect(queue.take(2)).toEqual([
    { ...nothing, trial },
    { ...nothing, coolDown: { model: 'm', durationMs: 7 } },
  ])
  expect(queue.take(2)).toMatchObject([{ reserved: { requests: 2 } }])
})

it('does not repeat the end of a cool-down by a trial that may have been applied', () => {
  const trial = { model: 'm', tokens: 9, grantedAtMs: 5, outcome: 'served' as const }
  expect(chargesOnly({ ...refund(5, 0), trial })).toBeUndefined()
  expect(chargesOnly({ ...refund(5, 200), trial })).not.toHaveProperty('trial')
})

it('makes no sum beyond the bounds of a message', () => {
  const queue = createSettlementQueue()
  const huge = { chargedAtMs: 5, reserved: { requests: 1, tokens: MAX_COUNT }, actual: { requests: 1, tokens: 0 } }
  const charge = { chargedAtMs: 0, reserved: { requests: 0, tokens: 0 }, actual: { requests: 1, tokens: MAX_COUNT } }
  for (let i = 0; i < 3; i++) {
    queue.add(huge)
    queue.add(charge)
  }
  const taken = queue.take(10)
  expect(taken).toHaveLength(6)
  for (const each of taken) expect(validate(Settlement, each)).toMatchObject({ valid: true })
})

it('takes at most the requested number, and loses nothing', () => {
  const queue = createSettlementQueue()
  for (let i = 0; i < 10; i++) queue.add(refund(i, 10))
  expect([queue.take(4).length, queue.take(4).length, queue.take(4).length]).toEqual([4, 4, 2])
})

it('keeps models apart if permits are counted by model', () => {
  const queue = createSettlementQueue()
  for (const model of ['a', 'b', 'a']) queue.add({ ...refund(5, 40), model })
  expect(queue.take(10)).toEqual([
    { chargedAtMs: 5, reserved: { requests: 2, tokens: 200 }, actual: { requests: 2, tokens: 80 }, model: 'a' },
    { ...refund(5, 40), model: 'b' },
  ])
})

it('keeps a bounded number of models while capacity is unavailable, without losing a charge of the connection', () => {
  const queue = createSettlementQueue()
  const nothing = { requests: 0, tokens: 0 }
  const charge = (model: string) => ({ chargedAtMs: 0, reserved: nothing, actual: { requests: 1, tokens: 3 }, model })
  for (let i = 0; i < 20_000; i++) queue.add(charge(`made-up-${i % 10_000}`))
  expect(queue.size).toBe(MAX_CHARGED_MODELS + 1)
  for (let i = 0; i < 5_000; i++) queue.add({ ...charge('a'), coolDown: { model: `made-up-${i}`, durationMs: 7 } })
  expect(queue.size).toBe(MAX_CHARGED_MODELS + 1 + MAX_COOL_DOWNS)
  const taken = queue.take(20_000)
  expect(taken.reduce((sum, { actual }) => sum + actual.requests, 0)).toBe(25_000)
  expect(taken.reduce((sum, { actual }) => sum + actual.tokens, 0)).toBe(75_000)
  expect(taken.filter(({ model, coolDown }) => (model ?? coolDown) === undefined)).toMatchObject([
    { actual: { requests: 23_000 } },
  ])
})

it('sums refunds by part and by the provider’s count, and keeps apart a settlement that exceeds one of them', () => {
  const queue = createSettlementQueue()
  const counted = (inputTokens: number, outputTokens: number) => ({
    requests: 1,
    tokens: 50,
    inputTokens,
    outputTokens,
  })
  const ofParts = (actual: ReturnType<typeof counted>) => ({ chargedAtMs: 5, reserved: counted(40, 10), actual })
  const limited = (tokens: number) => ({
    ...refund(6, 40),
    limited: { reserved: { requests: 1, tokens: 50 }, actual: { requests: 1, tokens } },
  })
  // The sum is the same, and output exceeds what was reserved of it.
  const exceeding = ofParts(counted(30, 20))
  for (const each of [exceeding, ofParts(counted(40, 9)), ofParts(counted(20, 10))]) queue.add(each)
  for (const each of [limited(10), limited(20), limited(51)]) queue.add(each)
  expect(queue.take(10)).toEqual([
    exceeding,
    limited(51),
    {
      chargedAtMs: 5,
      reserved: { requests: 2, tokens: 100, inputTokens: 80, outputTokens: 20 },
      actual: { requests: 2, tokens: 100, inputTokens: 60, outputTokens: 19 },
    },
    {
      chargedAtMs: 6,
      reserved: { requests: 2, tokens: 200 },
      actual: { requests: 2, tokens: 80 },
      limited: { reserved: { requests: 2, tokens: 100 }, actual: { requests: 2, tokens: 30 } },
    },
  ])
  expect(chargesOnly(limited(51))).toEqual({
    chargedAtMs: 0,
    reserved: { requests: 0, tokens: 0 },
    actual: { requests: 0, tokens: 0 },
    limited: { reserved: { requests: 0, tokens: 0 }, actual: { requests: 0, tokens: 1 } },
  })
  expect(chargesOnly(limited(50))).toBeUndefined()
})
