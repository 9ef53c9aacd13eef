import { expect, it } from 'vitest'
import { LearnedModels, MAX_MODELS } from './learned-models.ts'

const REQUEST = { model: 'm', streamed: false, promptBytes: 9_000, mediaParts: 0, outputs: 1, addsUsage: false }
const USAGE = { inputTokens: 3_000, outputTokens: 64, cachedInputTokens: 2_900, reasoningTokens: 60 }

function taught(request: object = {}, usage: object = {}, complete = true): LearnedModels {
  const models = new LearnedModels()
  for (let i = 0; i < 30; i++) models.learn({ ...REQUEST, ...request }, { ...USAGE, ...usage }, complete)
  return models
}

const ratioOf = (models: LearnedModels) => models.of('m')?.ratio.bytesPerToken
const outputOf = (models: LearnedModels) => models.of('m')?.output.tokens

it('knows nothing of a model that was not used', () => {
  expect(taught().of('another')).toBeUndefined()
})

it('learns from input tokens with those cached, and output tokens with those of reasoning', () => {
  expect(ratioOf(taught())).toBeCloseTo(3, 1)
  expect(outputOf(taught())).toBe(64)
})

it.each([
  ['media', { mediaParts: 1 }],
  ['a part that the provider keeps', { hasStoredPrompt: true }],
])('learns no ratio from prompts with %s', (_, request) => {
  expect(ratioOf(taught(request))).toBe(4)
  expect(outputOf(taught(request))).toBe(64)
})

it('learns the prompt, but no length of an answer that was broken off', () => {
  const models = taught({}, {}, false)
  expect(ratioOf(models)).toBeCloseTo(3, 1)
  expect(outputOf(models)).toBeUndefined()
})

it.each([
  ['each of several answers', { outputs: 4 }, 16],
  ['an answer below its maximum', { maxOutputTokens: 65 }, 64],
  ['an answer cut off by its maximum', { maxOutputTokens: 64 }, Number.POSITIVE_INFINITY],
  ['requests that have no output', { maxOutputTokens: 0 }, undefined],
])('learns the length of %s', (_, request, expected) => {
  expect(outputOf(taught(request))).toBe(expected)
})

it('learns nothing of requests whose model cannot be told', () => {
  expect(taught({ model: '' }).of('')).toBeUndefined()
})

it('keeps a bounded number of models, and forgets that learned of least recently', () => {
  const models = new LearnedModels()
  const learn = (model: string) => models.learn({ ...REQUEST, model }, USAGE, true)
  for (let i = 0; i < MAX_MODELS; i++) learn(`m-${i}`)
  learn('m-0')
  learn('new')
  expect(models.of('m-1')).toBeUndefined()
  for (const model of ['m-0', 'm-2', 'new']) expect(models.of(model), model).toBeDefined()
})
