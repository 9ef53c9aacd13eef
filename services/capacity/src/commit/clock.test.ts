import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCountersClock } from './clock.ts'

const T0 = Date.UTC(2026, 0, 1)

/** A machine whose monotonic clock the test moves, and the NATS server's clock. */
function createMachine() {
  const machine = { monotonicMs: 10_000, serverMs: T0 }
  const clock = createCountersClock(() => machine.monotonicMs, T0)
  const pass = (ms: number) => {
    machine.monotonicMs += ms
    machine.serverMs += ms
  }
  const measure = (wayMs = 1) => {
    const sentAtMs = machine.monotonicMs
    return clock.measured({ sentAtMs, ackedAtMs: sentAtMs + wayMs, storedAtMs: machine.serverMs })
  }
  return { machine, clock, pass, measure }
}

it('goes on with the monotonic clock, in whole milliseconds', () => {
  const { clock, pass } = createMachine()
  pass(400.25)
  expect(clock.nowMs()).toBe(T0 + 400)
})

it.each([20_000, 3_600_000])(
  'does not follow the server when its clock leaps forward by %d ms, and says so',
  (stepMs) => {
    const { machine, clock, pass, measure } = createMachine()
    measure()
    pass(1_000)
    machine.serverMs += stepMs
    expect(Math.abs(measure() - stepMs)).toBeLessThanOrEqual(1)
    expect(clock.nowMs()).toBe(T0 + 1_000)
    pass(1_000)
    expect(measure()).toBe(0)
    expect(clock.nowMs()).toBe(T0 + 2_000)
  },
)

it('goes on when the server’s clock leaps back, half a percent slower until it is no longer ahead', () => {
  const { machine, clock, pass, measure } = createMachine()
  measure()
  machine.serverMs -= 2_000
  pass(1_000)
  expect(Math.abs(measure() + 2_000)).toBeLessThanOrEqual(1)
  for (let second = 0; second < 500; second++) {
    const beforeMs = clock.nowMs()
    pass(1_000)
    measure()
    expect(clock.nowMs() - beforeMs).toBeGreaterThanOrEqual(994)
  }
  expect(clock.nowMs() - machine.serverMs).toBeLessThanOrEqual(1)
  expect(clock.nowMs()).toBeGreaterThanOrEqual(machine.serverMs)
})

it('takes no slow way for a step of the server’s clock', () => {
  const ways = fc.array(fc.record({ toMs: fc.nat(2_000), backMs: fc.nat(2_000) }), { minLength: 2, maxLength: 20 })
  fc.assert(
    fc.property(ways, (samples) => {
      const { machine, clock, pass } = createMachine()
      for (const { toMs, backMs } of samples) {
        const sentAtMs = machine.monotonicMs
        pass(toMs)
        const storedAtMs = machine.serverMs
        pass(backMs)
        expect(clock.measured({ sentAtMs, ackedAtMs: machine.monotonicMs, storedAtMs })).toBe(0)
        pass(500)
      }
    }),
  )
})

it('follows an instance that is ahead, and none that is behind', () => {
  const { clock } = createMachine()
  clock.heard(T0 + 700)
  expect(clock.nowMs()).toBe(T0 + 700)
  clock.heard(T0 + 300)
  expect(clock.nowMs()).toBe(T0 + 700)
})
