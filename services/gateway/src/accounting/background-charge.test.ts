import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type BackgroundCharge, beyondCharge, withBeyond } from './background-charge.ts'

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

it('charges what goes beyond, in total and by part, and records all of it', () => {
  const found = beyondCharge(KEPT, usageOf(4, 300))
  expect(found?.beyond).toEqual({
    model: 'm',
    pool: 'flex',
    charge: { tokens: 194, inputTokens: 0, outputTokens: 200 },
    usage: usageOf(4, 300),
  })
  expect(found && beyondCharge(found.kept, usageOf(4, 300))).toBeUndefined()
})

it('charges a part that alone is reported, beside what was charged for the other', () => {
  const found = beyondCharge(KEPT, { outputTokens: 300, cachedInputTokens: 0, reasoningTokens: 0 })
  expect(found?.beyond.charge).toEqual({ tokens: 200, inputTokens: 0, outputTokens: 200 })
})

it('records only what no event has said yet', () => {
  const found = beyondCharge({ ...KEPT, recorded: { ...usageOf(4, 100), cacheWriteInputTokens: 3 } }, usageOf(9, 100))
  expect(found?.beyond.usage).toEqual(usageOf(5, 0))
})

it('adds to the cost of the request that found it out, by part where those are limited', () => {
  const beyond = beyondCharge(KEPT, usageOf(4, 300))?.beyond
  expect(withBeyond({ requests: 1, tokens: 0 }, beyond, { countsParts: false })).toEqual({ requests: 1, tokens: 194 })
  const cost = { requests: 1, tokens: 0, inputTokens: 0, outputTokens: 0 }
  const total = { requests: 1, tokens: 194, inputTokens: 0, outputTokens: 200 }
  expect(withBeyond(cost, beyond, { countsParts: true })).toEqual(total)
  expect(withBeyond(cost, undefined, { countsParts: true })).toEqual(cost)
})

it('comes to the highest of what was charged and reported, whatever the order and number of reports', () => {
  const report = fc.record({ inputTokens: fc.nat(500), outputTokens: fc.nat(500) })
  fc.assert(
    fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
      let kept = KEPT
      let charged = KEPT.charged.tokens
      const recorded = { input: 0, output: 0 }
      for (const { inputTokens, outputTokens } of reports) {
        const found = beyondCharge(kept, usageOf(inputTokens, outputTokens))
        if (found === undefined) continue
        kept = found.kept
        charged += found.beyond.charge.tokens
        recorded.input += found.beyond.usage?.inputTokens ?? 0
        recorded.output += found.beyond.usage?.outputTokens ?? 0
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
