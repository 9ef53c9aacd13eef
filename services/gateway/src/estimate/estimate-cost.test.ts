import { providerAdapter } from '@sluice/providers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { estimateCost, MAX_TOKENS } from './estimate-cost.ts'
import { type LearnedModel, LearnedModels } from './learned-models.ts'

const REQUEST = { model: 'm', streamed: false, promptBytes: 400, mediaParts: 0, outputs: 1, addsUsage: false }
const POLICY = { defaultMaxOutputTokens: 1_024, tokenReservation: 'maximum' } as const
const BOUNDED = { tokenReservation: 'bounded' } as const
const LIMITED = { ...BOUNDED, smallestTokenLimit: 40_000 }
const EXPECTED = { tokenReservation: 'expected' } as const

/** A model whose 30 requests had 4 bytes per token and responses of `outputTokens`. */
function taught(outputTokens: number, maxOutputTokens = 1_000_000): LearnedModel | undefined {
  const models = new LearnedModels()
  const usage = { inputTokens: 100, outputTokens, cachedInputTokens: 0, reasoningTokens: 0 }
  for (let i = 0; i < 30; i++) models.learn({ ...REQUEST, maxOutputTokens }, usage, true)
  return models.of('m')
}

it.each([
  ['a stated maximum', { maxOutputTokens: 50 }, {}, undefined, 100 + 50],
  ['no maximum', {}, {}, undefined, 100 + 1_024],
  ['no maximum, under a large limit', {}, { smallestTokenLimit: 100_000 }, undefined, 100 + 1_024],
  ['no maximum, under a small limit', {}, { smallestTokenLimit: 1_009 }, undefined, 100 + 100],
  ['no maximum, under a tiny limit', {}, { smallestTokenLimit: 5 }, undefined, 100 + 1],
  ['no maximum, under a small limit of output', {}, { smallestOutputLimit: 1_009 }, undefined, 100 + 100],
  [
    'a large maximum, under a limit of output',
    { maxOutputTokens: 64_000 },
    { ...BOUNDED, smallestOutputLimit: 8_000 },
    undefined,
    100 + 800,
  ],
  [
    'a large maximum and a prompt above the limit of output',
    { maxOutputTokens: 64_000, promptBytes: 40_000 },
    { ...BOUNDED, smallestOutputLimit: 8_000, smallestTokenLimit: 100_000 },
    undefined,
    10_000 + 800,
  ],
  ['no maximum, when responses are short', {}, {}, taught(64), 100 + 64],
  ['no maximum, when responses are long', {}, {}, taught(65_536), 100 + 1_024],
  ['no maximum, when responses are longer than a small limit bears', {}, { smallestTokenLimit: 320 }, taught(64), 132],
  ['no maximum, when maxima cut the responses off', {}, {}, taught(16, 16), 100 + 1_024],
  ['a stated maximum, whatever responses have been', { maxOutputTokens: 500 }, {}, taught(64), 100 + 500],
  ['an expected output', { maxOutputTokens: 500 }, EXPECTED, taught(64), 100 + 64],
  ['an expected output above the stated maximum', { maxOutputTokens: 50 }, EXPECTED, taught(64), 100 + 50],
  ['an expected output of which nothing is known', { maxOutputTokens: 500 }, EXPECTED, undefined, 100 + 500],
  ['an expected output that was cut off', { maxOutputTokens: 500 }, EXPECTED, taught(16, 16), 100 + 500],
  ['a maximum within its bound', { maxOutputTokens: 4_000 }, LIMITED, undefined, 100 + 4_000],
  ['a maximum within its bound, whatever responses were', { maxOutputTokens: 4_000 }, LIMITED, taught(64), 100 + 4_000],
  ['a maximum beyond its bound', { maxOutputTokens: 64_000 }, LIMITED, undefined, 100 + 4_000],
  [
    'a maximum beyond its bound, when responses are short',
    { maxOutputTokens: 64_000 },
    LIMITED,
    taught(64),
    100 + 4_000,
  ],
  [
    'a maximum beyond its bound, when responses are long',
    { maxOutputTokens: 64_000 },
    LIMITED,
    taught(8_192),
    100 + 8_192,
  ],
  ['a maximum below what responses have', { maxOutputTokens: 5_000 }, LIMITED, taught(8_192), 100 + 5_000],
  ['responses as long as the limit', { maxOutputTokens: 64_000 }, LIMITED, taught(65_536), 40_000],
  ['a maximum beyond its bound, after cut-off responses', { maxOutputTokens: 64_000 }, LIMITED, taught(16, 16), 4_100],
  ['several maxima beyond their bounds', { maxOutputTokens: 64_000, outputs: 20 }, LIMITED, undefined, 40_000],
  ['several outputs without a maximum', { outputs: 50 }, LIMITED, undefined, 40_000],
  [
    'several outputs without a maximum, whatever the policy',
    { outputs: 50 },
    { smallestTokenLimit: 40_000 },
    undefined,
    40_000,
  ],
  [
    'several outputs without a maximum, under a limit of output',
    { outputs: 50 },
    { smallestOutputLimit: 8_000 },
    undefined,
    8_100,
  ],
  ['no maximum beside a prompt that leaves little', { promptBytes: 159_600 }, LIMITED, undefined, 40_000],
  [
    'a maximum beyond what the prompt leaves',
    { maxOutputTokens: 64_000, promptBytes: 159_600 },
    LIMITED,
    undefined,
    40_000,
  ],
  ['a prompt beyond the limit', { maxOutputTokens: 64_000, promptBytes: 200_000 }, LIMITED, undefined, 50_001],
  ['a maximum where tokens are not limited', { maxOutputTokens: 64_000 }, BOUNDED, undefined, 100 + 1_024],
  ['no output of a bounded kind', { maxOutputTokens: 0 }, LIMITED, taught(64), 100],
  ['no output', { maxOutputTokens: 0 }, {}, taught(64), 100],
  ['several outputs', { maxOutputTokens: 50, outputs: 3 }, {}, undefined, 100 + 150],
  ['images', { maxOutputTokens: 0, mediaParts: 2 }, {}, undefined, 100 + 1_600],
  ['images whose cost is known', { maxOutputTokens: 0, mediaParts: 2, mediaTokens: 170 }, {}, undefined, 100 + 170],
  ['a frame', { maxOutputTokens: 0, frameTokens: 12 }, {}, undefined, 100 + 12],
  ['tools', { maxOutputTokens: 0, toolTokens: 350 }, {}, undefined, 100 + 350],
  ['sealed reasoning', { maxOutputTokens: 0, sealedBytes: 6_000 }, {}, undefined, 100],
  ['an odd prompt', { maxOutputTokens: 0, promptBytes: 401 }, {}, undefined, 101],
])('reserves for %s', (_, request, policy, learned, expected) => {
  expect(estimateCost({ ...REQUEST, ...request }, { ...POLICY, ...policy }, learned).tokens).toBe(expected)
})

it('is a whole number within the bounds of a permit batch, whatever the request states', () => {
  // Includes infinity, which doubles rarely are by chance, and 0, whose product with infinity is NaN.
  const count = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }), fc.constantFrom(0, Number.POSITIVE_INFINITY))
  fc.assert(
    fc.property(count, count, count, count, (promptBytes, maxOutputTokens, outputs, mediaTokens) => {
      const request = { ...REQUEST, promptBytes, maxOutputTokens, outputs, mediaTokens }
      expectCounts(estimateCost(request, { ...POLICY, defaultMaxOutputTokens: 1 }, undefined))
    }),
  )
})

describe('the estimate survives multi-part content', () => {
  it.each([
    ['no parts', []],
    ['parts that are no objects', [null, 1, 'text', [], [[]]]],
    ['parts without a type', [{}, { text: 'x' }]],
    ['a type that is no text', [{ type: 1 }, { type: null }, { type: {} }]],
    ['a type named as a built-in member', [{ type: '__proto__' }, { type: 'constructor' }, { type: 'toString' }]],
    ['text that is no text', [{ type: 'text', text: { nested: true } }]],
    ['an image without its address', [{ type: 'image_url' }, { type: 'image_url', image_url: null }]],
    ['an address that is no text', [{ type: 'image_url', image_url: { url: 7, detail: [] } }]],
    ['an unknown kind of part', [{ type: 'hologram', hologram: { data: 'AAAA' } }]],
    ['one part instead of a list', { type: 'text', text: 'x' }],
    ['a number', 5],
    ['nothing', null],
    ['lists in lists, ten thousand deep', JSON.parse('['.repeat(10_000) + ']'.repeat(10_000))],
  ])('%s', (_, content) => {
    const messages = [
      { role: 'user', content },
      { role: 'user', content: 'x'.repeat(1_000) },
    ]
    const { promptTokens, tokens } = estimateOf({ model: 'm', messages }, 1_100)
    expect(promptTokens).toBeGreaterThanOrEqual(250)
    expect(tokens).toBe(promptTokens + 1_024)
  })

  it('with any JSON in the place of content', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, sizeBytes) => {
        const part = { type: 'image_url', image_url: value, detail: value }
        for (const content of [value, [value], [part], { type: 'file', file: value, content: value }]) {
          expectCounts(estimateOf({ model: 'm', messages: [{ role: 'user', content }] }, sizeBytes))
        }
        expectCounts(estimateOf({ model: value, messages: value, n: value, max_tokens: value }, sizeBytes))
        expectCounts(estimateOf(value, sizeBytes))
      }),
      { numRuns: 500 },
    )
  })

  it('with numbers that JSON can write but that are no counts', () => {
    const body: unknown = JSON.parse('{"model":"m","n":1e999,"max_tokens":1e999,"best_of":-1e999,"messages":[]}')
    expectCounts(estimateOf(body, 100))
  })
})

function estimateOf(body: unknown, sizeBytes: number) {
  const openai = providerAdapter('openai')
  const operation = openai.operation('POST', '/v1/chat/completions')
  if (operation === undefined) throw new Error('there is no such operation')
  const models = new LearnedModels()
  const inspection = openai.inspect(operation, body, sizeBytes)
  const usage = { inputTokens: 9, outputTokens: 9, cachedInputTokens: 0, reasoningTokens: 0 }
  const untaught = estimateCost(inspection, POLICY, models.of(inspection.model))
  models.learn(inspection, usage, true)
  expectCounts(estimateCost(inspection, POLICY, models.of(inspection.model)))
  return untaught
}

function expectCounts(estimate: { readonly tokens: number; readonly promptTokens: number }): void {
  for (const value of [estimate.tokens, estimate.promptTokens]) {
    expect(Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS).toBe(true)
  }
}
