import { PERIOD_MS } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createWorld, type Departure } from '../../test/world.ts'
import type { Limits } from '../record/limits.ts'

const limitsArbitrary: fc.Arbitrary<Limits> = fc.uniqueArray(
  fc.oneof(
    fc.record({
      period: fc.constantFrom('minute' as const, 'minute' as const, 'hour' as const, 'day' as const),
      metric: fc.constant('requests' as const),
      limit: fc.integer({ min: 1, max: 8 }),
    }),
    fc.record({
      period: fc.constantFrom('minute' as const, 'hour' as const),
      metric: fc.constantFrom('tokens' as const, 'inputTokens' as const, 'outputTokens' as const),
      limit: fc.integer({ min: 5, max: 60 }),
    }),
  ),
  { selector: ({ period, metric }) => `${period} ${metric}`, minLength: 1, maxLength: 4 },
)

/** Around the spans that matter: a slot, a period, how long sessions are remembered, an hour. */
const spanArbitrary = fc.oneof(
  fc.nat(700),
  fc.nat(3_000),
  fc.integer({ min: 57_000, max: 62_500 }),
  fc.integer({ min: 100_000, max: 130_000 }),
  fc.integer({ min: 3_590_000, max: 3_665_000 }),
)
const leapArbitrary = fc.constantFrom(-3_600_000, -20_000, 0, 20_000, 3_600_000)
const kind = <K extends string>(name: K) => fc.constant(name)
const gateway = fc.nat(1)
const instance = fc.nat(1)

const settled = fc.oneof(fc.constant(0), fc.nat(10))

const stepArbitrary = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: kind('demand'),
      gateway,
      instance,
      permits: fc.integer({ min: 1, max: 10 }),
      inputTokens: fc.nat(8),
      outputTokens: fc.nat(8),
      // Mostly true: a gateway splits tokens as soon as it knows that a part is limited.
      isSplit: fc.integer({ max: 5, min: 0 }).map((n) => n > 0),
      patienceMs: fc.constantFrom(0, 62_000, 3_700_000),
      slackMs: fc.constantFrom(500, 700, 1_000, 1_000),
      fate: fc.constantFrom('replied', 'replied', 'reply lost', 'also delayed', 'also delayed'),
      lateMs: fc.oneof(fc.nat(200), fc.nat(900)),
      isUpload: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: kind('end uploads'), instance, lateMs: fc.nat(400) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: kind('settle'), inputTokens: settled, outputTokens: settled }) },
  { weight: 6, arbitrary: fc.record({ kind: kind('wait'), forMs: spanArbitrary }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('resume'), instance }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('leap'), byMs: leapArbitrary }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('suspend'), instance, forMs: spanArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('restart'), instance, byMs: leapArbitrary }) },
)

it('lets no more depart in any period than the limit, whatever happens to messages, clocks and instances', () => {
  fc.assert(
    fc.property(limitsArbitrary, fc.array(stepArbitrary, { minLength: 4, maxLength: 40 }), (configured, steps) => {
      const world = createWorld(configured)
      for (const step of steps) {
        if (step.kind === 'demand') world.demand(step)
        else if (step.kind === 'end uploads') world.endUploads(step)
        else if (step.kind === 'settle') world.settle(step)
        else if (step.kind === 'wait') world.wait(step.forMs)
        else if (step.kind === 'resume') world.resume(step.instance)
        else if (step.kind === 'leap') world.leap(step.byMs)
        else if (step.kind === 'suspend') world.suspend(step.instance, step.forMs)
        else world.restart(step.instance, step.byMs)
      }
      for (const limit of configured) {
        // One expectation for both: `expect` took an eighth of the time.
        const most = Math.max(mostInAnyPeriod(world.heads, limit), mostInAnyPeriod(world.wholes, limit))
        if (most > limit.limit) expect(most).toBeLessThanOrEqual(limit.limit)
      }
    }),
    // Each of the mistakes that were made on purpose was found within 1,000 runs.
    { numRuns: 8_000 },
  )
}, 120_000)

/**
 * Returns the most of the limit's metric that departed in any interval as long as its period; tokens as known at each
 * departure.
 */
function mostInAnyPeriod(departures: readonly Departure[], { period, metric }: Limits[number]): number {
  let most = 0
  for (const { atMs } of departures) {
    const within = departures.filter((each) => each.atMs > atMs - PERIOD_MS[period] && each.atMs <= atMs)
    const amounts = within.map((each) => each.amountAt(metric, atMs))
    most = Math.max(
      most,
      amounts.reduce((a, b) => a + b, 0),
    )
  }
  return most
}
