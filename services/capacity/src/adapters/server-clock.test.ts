import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serverClock } from './server-clock.ts'

const SERVER_OFFSET_MS = 1_700_000_000_000

/** A beat that takes `toMs` to the server and `backMs` for its acknowledgement. */
function sampleAt(sentAtMs: number, toMs: number, backMs: number) {
  return { sentAtMs, ackedAtMs: sentAtMs + toMs + backMs, storedAtMs: SERVER_OFFSET_MS + sentAtMs + toMs }
}

it('is off by no more than half of the shortest way there and back', () => {
  const way = fc.record({ toMs: fc.nat(800), backMs: fc.nat(800) })
  fc.assert(
    fc.property(fc.array(way, { minLength: 1, maxLength: 10 }), (ways) => {
      let monotonicMs = 0
      const clock = serverClock(() => monotonicMs)
      for (const { toMs, backMs } of ways) {
        clock.measured(sampleAt(monotonicMs, toMs, backMs))
        monotonicMs += 1_000
      }
      const shortestMs = Math.min(...ways.map(({ toMs, backMs }) => toMs + backMs))
      expect(Math.abs(clock.nowMs() - (SERVER_OFFSET_MS + monotonicMs))).toBeLessThanOrEqual(shortestMs / 2 + 1)
    }),
  )
})

it('goes on between two beats, in whole milliseconds', () => {
  let monotonicMs = 10.25
  const clock = serverClock(() => monotonicMs)
  clock.measured(sampleAt(10, 1, 1))
  const beforeMs = clock.nowMs()
  monotonicMs += 400
  expect(clock.nowMs() - beforeMs).toBe(400)
  expect(Number.isInteger(clock.nowMs())).toBe(true)
})

it('follows a server whose clock was set, once the samples from before are used up', () => {
  let monotonicMs = 0
  const clock = serverClock(() => monotonicMs)
  clock.measured(sampleAt(0, 1, 1))
  for (let beat = 1; beat <= 10; beat++) {
    monotonicMs = beat * 1_000
    const sample = sampleAt(monotonicMs, 2, 2)
    clock.measured({ ...sample, storedAtMs: sample.storedAtMs + 60_000 })
  }
  expect(Math.abs(clock.nowMs() - (SERVER_OFFSET_MS + monotonicMs + 60_000))).toBeLessThanOrEqual(2)
})

it('cannot be read before it was measured', () => {
  expect(() => serverClock(() => 0).nowMs()).toThrow(/before it was measured/)
})
