import fc from 'fast-check'
import { expect, it } from 'vitest'
import { additionalUsage, type BackgroundCharge, withAdditionalUsage } from './background-charge.ts'

const KEPT: BackgroundCharge = {
  model: 'm',
  pool: 'flex',
  charged: { tokens: 110, inputTokens: 10, outputTokens: 100 },
}
const usageOf = (inputTokens: number, outputTokens: number) => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  reasoningTokens: 0,
})

it('charges the additional usage in total and by part, and records all of it', () => {
  const found = additionalUsage(KEPT, usageOf(4, 300))
  expect(found?.additional).toEqual({
    model: 'm',
    pool: 'flex',
    charge: { tokens: 194, inputTokens: 0, outputTokens: 200 },
    usage: usageOf(4, 300),
  })
  expect(found && additionalUsage(found.kept, usageOf(4, 300))).toBeUndefined()
})

it('charges a part that is reported alone, in addition to the charge for the other', () => {
  const found = additionalUsage(KEPT, { outputTokens: 300, cachedInputTokens: 0, reasoningTokens: 0 })
  expect(found?.additional.charge).toEqual({ tokens: 200, inputTokens: 0, outputTokens: 200 })
})

it('records only usage that no event has recorded yet', () => {
  const found = additionalUsage(
    { ...KEPT, recorded: { ...usageOf(4, 100), cacheWriteInputTokens: 3 } },
    usageOf(9, 100),
  )
  expect(found?.additional.usage).toEqual(usageOf(5, 0))
})

it('adds to the cost of the request that reported it, by part if parts are limited', () => {
  const additional = additionalUsage(KEPT, usageOf(4, 300))?.additional
  expect(withAdditionalUsage({ requests: 1, tokens: 0 }, additional, { countsParts: false })).toEqual({
    requests: 1,
    tokens: 194,
  })
  const cost = { requests: 1, tokens: 0, inputTokens: 0, outputTokens: 0 }
  const total = { requests: 1, tokens: 194, inputTokens: 0, outputTokens: 200 }
  expect(withAdditionalUsage(cost, additional, { countsParts: true })).toEqual(total)
  expect(withAdditionalUsage(cost, undefined, { countsParts: true })).toEqual(cost)
})

it('sums to the highest count of all charges and reports, whatever their order and number', () => {
  const report = fc.record({ inputTokens: fc.nat(500), outputTokens: fc.nat(500) })
  fc.assert(
    fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
      let kept = KEPT
      let charged = KEPT.charged.tokens
      const recorded = { input: 0, output: 0 }
      for (const { inputTokens, outputTokens } of reports) {
        const found = additionalUsage(kept, usageOf(inputTokens, outputTokens))
        if (found === undefined) continue
        kept = found.kept
        charged += found.additional.charge.tokens
        recorded.input += found.additional.usage?.inputTokens ?? 0
        recorded.output += found.additional.usage?.outputTokens ?? 0
      }
      const highest = (values: readonly number[]) => Math.max(0, ...values)
      expect(charged).toBe(Math.max(110, highest(reports.map((one) => one.inputTokens + one.outputTokens))))
      expect(recorded).toEqual({
        input: highest(reports.map(({ inputTokens }) => inputTokens)),
        output: highest(reports.map(({ outputTokens }) => outputTokens)),
      })
    }),
  )
})
