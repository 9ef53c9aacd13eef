import { providerAdapter } from '@sluice/providers'
import { expect, it } from 'vitest'
import { expectedFormat } from './expected-format.ts'

it.each([
  ['Anthropic', 'anthropic', { 'anthropic-version': '2023-06-01' }, '/v1/messages'],
  ['Google by its key', 'google', { 'x-goog-api-key': 'slc_x' }, '/v1beta/models'],
  ['Google by its method', 'google', {}, '/v1beta/models/gemini-2.5-flash:generateContent'],
  ['Bedrock', 'aws-bedrock', {}, '/model/amazon.nova-lite-v1%3A0/converse-stream'],
] as const)('expects the format of %s', (_, provider, headers, path) => {
  expect(expectedFormat(headers, path)).toBe(providerAdapter(provider)?.errorAnswer)
})

it.each(['/v1/chat/completions', '/openai/v1/chat/completions', '/v1/models/gpt-5', ''])(
  'expects no format of its own for %j',
  (path) => {
    expect(expectedFormat({ authorization: 'Bearer slc_x' }, path)).toBeUndefined()
  },
)
