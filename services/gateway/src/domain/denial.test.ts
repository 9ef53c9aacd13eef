import { expect, it } from 'vitest'
import { denialError, deniedBy } from './denial.ts'

const REQUESTED = { estimate: { tokens: 1, promptTokens: 1, outputTokens: 0 } }
const LIMIT = { status: 'denied', period: 'minute', metric: 'requests', limit: 100 } as const

it('names connection, limit, period and metric, and when to come back', () => {
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

it('says by how much a request exceeds the whole capacity, and not to wait', () => {
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
])('says what makes a reservation too large: %j', (estimate, maxOutput, expected) => {
  const denied = { ...LIMIT, code: 'request_exceeds_capacity', metric: 'tokens', excess: 50 } as const
  expect(denialError(denied, 'prod', { estimate, maxOutput }).message).toMatch(expected)
})

it('says which model the provider asked to pause', () => {
  const denied = { status: 'denied', code: 'upstream_cooldown', model: 'gpt-4.1', retryAfterMs: 900 } as const
  expect(denialError(denied, 'prod', REQUESTED)).toMatchObject({
    status: 429,
    message: 'The provider asked for a pause of model "gpt-4.1" of connection "prod". Retry in 0.9 s.',
  })
  expect(deniedBy(denied)).toBe('upstream_cooldown')
})

it('names the model where the limit is one that its provider tells', () => {
  const denied = { ...LIMIT, code: 'capacity_exceeded', retryAfterMs: 900, model: 'gpt-4.1' } as const
  expect(denialError(denied, 'prod', REQUESTED).message).toBe(
    'Model "gpt-4.1" of connection "prod" is at its provider\'s limit of 100 requests per minute. Retry in 0.9 s.',
  )
  expect(deniedBy(denied)).toBe('minute-requests')
})

it('words limits of input and output tokens', () => {
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
    'This request needs 128 output tokens, 28 more than the whole provider\'s limit of 100 output tokens per minute of model "m" of connection "prod". Waiting does not help.',
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
