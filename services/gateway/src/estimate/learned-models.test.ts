import { LearnedRecord, validate } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { expectedPrompt, LearnedModels, MAX_MODELS } from './learned-models.ts'

const REQUEST = { model: 'm', streamed: false, promptBytes: 9_000, mediaParts: 0, outputs: 1, addsUsage: false }
const USAGE = { inputTokens: 3_000, outputTokens: 64, cachedInputTokens: 2_900, reasoningTokens: 60 }

function taught(request: object = {}, usage: object = {}, complete = true): LearnedModels {
  const models = new LearnedModels()
  for (let i = 0; i < 30; i++) models.learn({ ...REQUEST, ...request }, { ...USAGE, ...usage }, complete)
  return models
}

const ratioOf = (models: LearnedModels) => models.of('m')?.ratio.bytesPerToken
const outputOf = (models: LearnedModels) => models.of('m')?.output.tokens

it('knows nothing about a model that was not used', () => {
  expect(taught().of('another')).toBeUndefined()
})

it('learns from input tokens including cached ones, and from output tokens including reasoning', () => {
  expect(ratioOf(taught())).toBeCloseTo(3, 1)
  expect(outputOf(taught())).toBe(64)
})

it.each([
  ['media', { mediaParts: 1 }],
  ['a part that the provider keeps', { hasStoredPrompt: true }],
  ['what the provider adds', { providerAddsInput: true }],
])('learns no ratio from prompts with %s', (_, request) => {
  expect(ratioOf(taught(request))).toBe(4)
  expect(outputOf(taught(request))).toBe(64)
})

it('learns the ratio, but no output length, from an interrupted response', () => {
  const models = taught({}, {}, false)
  expect(ratioOf(models)).toBeCloseTo(3, 1)
  expect(outputOf(models)).toBeUndefined()
})

it.each([
  ['each of several responses', { outputs: 4 }, 16],
  ['a response below its maximum', { maxOutputTokens: 65 }, 64],
  ['a response cut off by its maximum', { maxOutputTokens: 64 }, Number.POSITIVE_INFINITY],
  ['requests that have no output', { maxOutputTokens: 0 }, undefined],
])('learns the output length of %s', (_, request, expected) => {
  expect(outputOf(taught(request))).toBe(expected)
})

it('learns nothing from requests without a known model', () => {
  expect(taught({ model: '' }).of('')).toBeUndefined()
})

it('keeps a bounded number of models, and forgets the least recent', () => {
  const models = new LearnedModels()
  const learn = (model: string) => models.learn({ ...REQUEST, model }, USAGE, true)
  for (let i = 0; i < MAX_MODELS; i++) learn(`m-${i}`)
  learn('m-0')
  learn('new')
  expect(models.of('m-1')).toBeUndefined()
  for (const model of ['m-0', 'm-2', 'new']) expect(models.of(model), model).toBeDefined()
})

describe('the parts of a prompt', () => {
  const TOOLS = { ...REQUEST, promptBytes: 400, toolTokens: 100, frameTokens: 10 }
  const PLAIN = { ...REQUEST, promptBytes: 8_000, frameTokens: 10 }
  const usage = (inputTokens: number) => ({ ...USAGE, inputTokens })
  const expected = (models: LearnedModels, request: typeof REQUEST) => {
    const { text, tools, sealed } = expectedPrompt(request, models.of('m'))
    return text + tools + sealed + 10
  }

  it('are distinguished by requests with and without tools', () => {
    const models = new LearnedModels()
    for (let i = 0; i < 30; i++) {
      models.learn(PLAIN, usage(2_010), true)
      models.learn(TOOLS, usage(410), true)
    }
    expect(expected(models, PLAIN) / 2_010).toBeCloseTo(1, 1)
    expect(expected(models, TOOLS) / 410).toBeCloseTo(1, 1)
  })

  it('attribute a deviation to tools rather than to text', () => {
    const models = new LearnedModels()
    for (let i = 0; i < 30; i++) models.learn(TOOLS, usage(410), true)
    expect(expected(models, TOOLS) / 410).toBeCloseTo(1, 1)
    expect(models.of('m')?.ratio.bytesPerToken).toBeGreaterThan(2)
  })

  it.each([
    ['that the provider counts', 1_710, 0],
    ['that does not count', 210, 0],
  ])('include sealed reasoning %s, without changing the cost of a prompt that has none', (_, inputTokens) => {
    const models = new LearnedModels()
    const sealed = { ...REQUEST, promptBytes: 800, sealedBytes: 6_000, frameTokens: 10 }
    for (let i = 0; i < 30; i++) {
      models.learn({ ...REQUEST, promptBytes: 800, frameTokens: 10 }, usage(210), true)
      models.learn(sealed, usage(inputTokens), true)
    }
    expect(Math.abs(expected(models, sealed) / inputTokens - 1)).toBeLessThan(0.15)
    expect(Math.abs(expected(models, { ...REQUEST, promptBytes: 800 }) / 210 - 1)).toBeLessThan(0.15)
  })

  it('cost what the model’s family costs until something is learned', () => {
    const { text } = expectedPrompt({ ...REQUEST, bytesPerToken: 3 }, undefined)
    expect(text).toBe(3_000)
    const models = new LearnedModels()
    models.learn({ ...REQUEST, promptBytes: 3, bytesPerToken: 3 }, usage(1), true)
    expect(models.of('m')?.ratio.tokensOf(3_000)).toBe(1_000)
  })
})

describe('records of another gateway', () => {
  it('are the same after they were stored and restored', () => {
    const models = taught({ toolTokens: 100, sealedBytes: 50, bytesPerToken: 3.1 })
    const stored = JSON.parse(JSON.stringify(models.records))
    expect(validate(LearnedRecord, { models: stored })).toMatchObject({ valid: true })
    const restored = new LearnedModels()
    restored.restore(stored)
    const request = { ...REQUEST, promptBytes: 50_000, toolTokens: 70, sealedBytes: 4_000 }
    expect(expectedPrompt(request, restored.of('m'))).toEqual(expectedPrompt(request, models.of('m')))
    expect(outputOf(restored)).toBe(64)
  })

  it('include the cached share of prompts', () => {
    const models = taught()
    models.cachedShares.learn('m', USAGE)
    const stored = JSON.parse(JSON.stringify(models.records))
    expect(validate(LearnedRecord, { models: stored })).toMatchObject({ valid: true })
    const restored = new LearnedModels()
    restored.cachedShares.learn('other', { ...USAGE, cachedInputTokens: 0 })
    restored.restore([...stored, ...taught({ model: 'other' }).records])
    expect(restored.cachedShares.expectedOf('m', 10_000)).toBe(models.cachedShares.expectedOf('m', 10_000))
    expect(restored.cachedShares.expectedOf('m', 10_000)).toBeGreaterThan(8_000)
    expect(restored.cachedShares.expectedOf('other', 10_000)).toBe(0)
  })

  it('do not replace what this gateway has learned since', () => {
    const models = taught({}, { inputTokens: 4_500 })
    const before = ratioOf(models)
    models.restore([...taught({ model: 'other' }).records, ...taught().records])
    expect(ratioOf(models)).toBe(before)
    expect(models.of('other')).toBeDefined()
  })

  it('are restored for a bounded number of models', () => {
    const [record] = taught().records
    if (record === undefined) throw new Error('nothing was learned')
    const models = taught()
    models.restore(Array.from({ length: 100 }, (_, i) => ({ ...record, model: `m-${i}` })))
    expect(models.records).toHaveLength(MAX_MODELS)
    expect(models.of('m')).toBeDefined()
  })
})
