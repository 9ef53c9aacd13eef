import { expect, it } from 'vitest'
import { denialError, deniedBy } from './denial.ts'
import { rateLimitFields } from './rate-limit-fields.ts'

const REQUESTED = { estimate: { tokens: 1, promptTokens: 1, outputTokens: 0 } }
const LIMIT = { status: 'denied', period: 'minute', metric: 'requests', limit: 100 } as const

it('names connection, limit, period and metric, and when to retry', () => {
  const denied = { ...LIMIT, code: 'capacity_exceeded', retryAfterMs: 12_301 } as const
  expect(denialError(denied, 'prod', REQUESTED)).toEqual({
    code: 'capacity_exceeded',
    status: 429,
    message: 'Connection "prod" is at its capacity of 100 requests per minute. Retry in 12.4 s.',
    retryAfterMs: 12_301,
    limit: { period: 'minute', metric: 'requests', limit: 100 },
  })
  expect(deniedBy(denied)).toBe('minute-requests')
})

it('says by how much a request exceeds the whole capacity, and that waiting does not help', () => {
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric: 'tokens', excess: 50 } as const
  const estimate = { tokens: 150, promptTokens: 30, outputTokens: 120 }
  const error = denialError(denied, 'prod', { estimate, maxOutput: { parameter: 'max_tokens', tokens: 120 } })
  expect(error).toMatchObject({ status: 400, code: 'request_exceeds_capacity' })
  expect(error.message).toBe(
    'This request needs 150 tokens, 50 more than the whole capacity of 100 tokens per minute of connection "prod". Waiting does not help. Its prompt is estimated at 30 tokens, and 120 are reserved for its output, as max_tokens is 120: lower it.',
  )
  expect(error).not.toHaveProperty('retryAfterMs')
})

it.each([
  [{ tokens: 150, promptTokens: 149, outputTokens: 1 }, undefined, /149 tokens, and 1 are .*: shorten the prompt\.$/],
  [
    { tokens: 150, promptTokens: 20, outputTokens: 130 },
    undefined,
    /20 tokens, and 130 are .*: state a smaller maximum\.$/,
  ],
  [
    { tokens: 150, promptTokens: 20, outputTokens: 130 },
    { parameter: 'inferenceConfig.maxTokens', tokens: 130 },
    /, as inferenceConfig\.maxTokens is 130: lower it\.$/,
  ],
])('explains what makes a reservation too large: %j', (estimate, maxOutput, expected) => {
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric: 'tokens', excess: 50 } as const
  expect(denialError(denied, 'prod', { estimate, maxOutput }).message).toMatch(expected)
})

it('names the model for which the provider asked for a cool-down', () => {
  const denied = { status: 'denied', code: 'upstream_cool_down', model: 'gpt-4.1', retryAfterMs: 900 } as const
  expect(denialError(denied, 'prod', REQUESTED)).toMatchObject({
    status: 429,
    message: 'The provider asked for a cool-down of model "gpt-4.1" of connection "prod". Retry in 0.9 s.',
  })
  expect(deniedBy(denied)).toBe('upstream_cool_down')
})

it('names the model if the limit is a discovered one', () => {
  const denied = { ...LIMIT, code: 'capacity_exceeded', retryAfterMs: 900, model: 'gpt-4.1' } as const
  expect(denialError(denied, 'prod', REQUESTED).message).toBe(
    'Model "gpt-4.1" of connection "prod" is at its provider\'s limit of 100 requests per minute. Retry in 0.9 s.',
  )
  expect(deniedBy(denied)).toBe('minute-requests')
})

it('describes limits of input and output tokens', () => {
  const input = {
    ...LIMIT,
    code: 'capacity_exceeded',
    metric: 'inputTokens',
    limit: 50_000,
    retryAfterMs: 900,
  } as const
  expect(denialError(input, 'prod', REQUESTED).message).toBe(
    'Connection "prod" is at its capacity of 50000 input tokens per minute. Retry in 0.9 s.',
  )
  expect(deniedBy(input)).toBe('minute-inputTokens')
  const output = { ...LIMIT, code: 'request_exceeds_capacity', metric: 'outputTokens', excess: 28, model: 'm' } as const
  expect(denialError(output, 'prod', REQUESTED).message).toBe(
    'This request needs 128 output tokens, 28 more than the whole provider\'s limit of 100 output tokens per minute of model "m" of connection "prod". Waiting does not help. Its prompt is estimated at 1 tokens, and 128 are expected to count for its output: state a smaller maximum.',
  )
})

it.each([
  ['inputTokens', 'shorten the prompt'],
  ['outputTokens', 'as max_tokens is 130: lower it'],
] as const)('says what makes a reservation too large for a limit of %s alone', (metric, expected) => {
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric, excess: 30 } as const
  const estimate = { tokens: 260, promptTokens: 130, outputTokens: 130 }
  const { message } = denialError(denied, 'prod', { estimate, maxOutput: { parameter: 'max_tokens', tokens: 130 } })
  expect(message).toContain('This request needs 130 ')
  expect(message).toContain(expected)
})

it.each([
  [{ n: 50, max: undefined }, { prompt: 20, output: 130 }, 'as n is 50: lower n.'],
  [{ n: 50, max: 64 }, { prompt: 20, output: 3_200 }, 'as n is 50 and max_tokens is 64: lower n.'],
  [{ n: 2, max: 640 }, { prompt: 20, output: 1_280 }, 'as n is 2 and max_tokens is 640: lower both.'],
  [{ n: 50, max: undefined }, { prompt: 120, output: 50 }, '50 are reserved for its output: shorten the prompt.'],
  [{ n: 1, max: 640 }, { prompt: 20, output: 640 }, 'as max_tokens is 640: lower it.'],
])('names the number of outputs if it is the cause: %j of %j', ({ n, max }, { prompt, output }, expected) => {
  const tokens = prompt + output
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric: 'tokens', excess: tokens - 100 } as const
  const { message } = denialError(denied, 'prod', {
    estimate: { tokens, promptTokens: prompt, outputTokens: output },
    maxOutput: max === undefined ? undefined : { parameter: 'max_tokens', tokens: max },
    outputs: n === 1 ? undefined : { parameter: 'n', count: n },
  })
  expect(message).toContain(expected)
})

it.each([
  ['tokens', 900, '20 tokens, and 980 are expected to count for its output, as max_tokens is 980: lower it.'],
  ['outputTokens', 880, '20 tokens, and 980 are expected to count for its output, as max_tokens is 980: lower it.'],
  ['inputTokens', 900, 'shorten the prompt.'],
] as const)('says what counts against a discovered limit of %s', (metric, excess, expected) => {
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric, excess, model: 'm' } as const
  const { message } = denialError(denied, 'prod', {
    estimate: { tokens: 30, promptTokens: 20, outputTokens: 10 },
    maxOutput: { parameter: 'max_tokens', tokens: 980 },
  })
  expect(message).toContain(expected)
})

it('formats every limit as in the draft', () => {
  expect(
    rateLimitFields([
      { period: 'minute', metric: 'requests', limit: 100, remaining: 99, resetMs: 11_001 },
      { period: 'day', metric: 'tokens', limit: 5_000, remaining: 0, resetMs: 86_400_000 },
    ]),
  ).toEqual({
    policy: '"minute-requests";q=100;w=60, "day-tokens";q=5000;w=86400',
    limits: '"minute-requests";r=99;t=12, "day-tokens";r=0;t=86400',
  })
})

it('returns no rate-limit fields without limits', () => {
  expect(rateLimitFields([])).toBeUndefined()
})
