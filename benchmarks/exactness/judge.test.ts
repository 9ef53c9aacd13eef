import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ProofAccount } from './accounts.ts'
import { judge, leastInAnyInterval, mostInAnyInterval } from './judge.ts'

const arrivalsArbitrary = fc.array(fc.nat(500), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))
const lengthArbitrary = fc.integer({ min: 1, max: 200 })

it('finds the fullest interval anywhere in the run', () => {
  fc.assert(
    fc.property(arrivalsArbitrary, lengthArbitrary, (arrivals, lengthMs) => {
      const each = arrivals.map((fromMs) => arrivals.filter((ms) => ms >= fromMs && ms < fromMs + lengthMs).length)
      expect(mostInAnyInterval(arrivals, lengthMs)).toBe(Math.max(0, ...each))
    }),
  )
})

it('finds the emptiest interval within the run', () => {
  const distinct = fc.uniqueArray(fc.nat(500), { maxLength: 60 }).map((values) => values.sort((a, b) => a - b))
  fc.assert(
    fc.property(distinct, lengthArbitrary, (arrivals, lengthMs) => {
      const each = arrivals
        .filter((fromMs) => fromMs + lengthMs <= 450)
        .map((fromMs) => arrivals.filter((ms) => ms > fromMs && ms <= fromMs + lengthMs).length)
      expect(leastInAnyInterval(arrivals, lengthMs, 450)).toBe(each.length === 0 ? undefined : Math.min(...each))
    }),
  )
})

const account: ProofAccount = {
  name: 'a',
  upstreamKey: 'sk-a',
  capacity: [{ period: 'minute', requests: 60, tokens: 1_000_000 }],
}

/** Judges two minutes of a request every `everyMs`, each of which takes `uploadMs` until its last byte. */
function judged(everyMs: number, uploadMs = () => 0) {
  const departures = Array.from({ length: Math.floor(124_000 / everyMs) }, (_, index) => ({
    headAtMs: index * everyMs,
    wholeAtMs: index * everyMs + uploadMs(),
  }))
  return judge(account, departures, { tokensPerRequest: 10, demand: { fromMs: 0, untilMs: 124_000 } })
}

it('a limit that every period uses in full is kept, and so is one that another limit keeps below full use', () => {
  expect(judged(1_000)).toMatchObject([
    { byHeads: 1, byWholes: 1, binds: true, finding: 'kept' },
    { byHeads: 0.0006, binds: false, finding: 'kept' },
  ])
})

it('detects one request too many in a period', () => {
  expect(judged(983)[0]).toMatchObject({ byHeads: 62 / 60, finding: 'EXCEEDED' })
})

it('detects a limit with idle capacity', () => {
  expect(judged(1_100)[0]).toMatchObject({ use: 55 / 60, finding: 'NOT USED' })
})

it('slow demand after a burst leaves no capacity idle, given the time to request it all', () => {
  const burst = Array.from({ length: 60 }, () => ({ headAtMs: 0 }))
  const tenASecond = Array.from({ length: 60 }, (_, index) => ({ headAtMs: 61_000 + index * 100 }))
  const demand = { fromMs: 0, untilMs: 70_000 }
  const findingOf = (fillMs: number) => judge(account, [...burst, ...tenASecond], { demand: { ...demand, fillMs } })[0]
  expect(findingOf(0)).toMatchObject({ finding: 'NOT USED' })
  expect(findingOf(6_000)).toMatchObject({ use: 1, finding: 'kept' })
})

it('detects complete requests above the limit whose headers were within it', () => {
  let index = 0
  const [requests] = judged(1_000, () => (index++ === 0 ? 60_500 : 0))
  expect(requests).toMatchObject({ byHeads: 1, byWholes: 61 / 60, finding: 'EXCEEDED' })
})

it('counts an aborted request by its headers alone', () => {
  const departures = Array.from({ length: 61 }, () => ({ headAtMs: 0 }))
  expect(judge(account, departures, {})[0]).toMatchObject({ byHeads: 61 / 60, byWholes: 0, finding: 'EXCEEDED' })
})

it('does not judge use without a demand that exceeds the limit', () => {
  expect(judge(account, [], {})[0]).toMatchObject({ use: undefined, finding: 'kept' })
})
