import { providerAdapter } from '@sluice/providers'
import { expect, it } from 'vitest'
import { expectedFormat } from './expected-format.ts'

it.each([
  ['Anthropic', 'anthropic', { 'anthropic-version': '2023-06-01' }, '/v1/messages'],
  ['Google by its key', 'google', { 'x-goog-api-key': 'slc_x' }, '/v1beta/models'],
  ['Google by its method', 'google', {}, '/v1beta/models/gemini-2.5-flash:generateContent'],
  ['Anthropic without a version', 'anthropic', { 'x-api-key': 'slc_x' }, '/v1/messages'],
  ['Anthropic by its path', 'anthropic', { authorization: 'Bearer slc_x' }, '/v1/messages/batches/b1/results'],
  ['Anthropic by its key', 'anthropic', { 'x-api-key': 'slc_x' }, '/v1/models'],
  ['Google by its version, with the key in the query', 'google', {}, '/v1beta/models'],
  ['Google’s files', 'google', {}, '/v1beta/files'],
  ['Google’s uploads', 'google', {}, '/upload/v1beta/files'],
  ['Google by a method whose colon is escaped', 'google', {}, '/v1/models/g%3AgenerateContent'],
  ['Google by another method', 'google', {}, '/v1/models/g:batchEmbedContents'],
  ['Bedrock in both directions', 'aws-bedrock', {}, '/model/x/invoke-with-bidirectional-stream'],
  ['Bedrock’s asynchronous calls', 'aws-bedrock', {}, '/async-invoke/a1'],
  ['Bedrock’s guardrails', 'aws-bedrock', {}, '/guardrail/g/version/1/apply'],
  ['Bedrock', 'aws-bedrock', {}, '/model/amazon.nova-lite-v1%3A0/converse-stream'],
] as const)('expects the format of %s', (_, provider, headers, path) => {
  expect(expectedFormat(headers, path)).toBe(providerAdapter(provider)?.errorResponse)
})

it.each([
  '/v1/chat/completions',
  '/openai/v1/chat/completions',
  '/v1/models/gpt-5',
  '/v1/models/ft:gpt-4o:org::id',
  '/v1/threads/t/messages',
  '/v1beta/openai/chat/completions',
  '',
])('expects no format of its own for %j', (path) => {
  expect(expectedFormat({ authorization: 'Bearer slc_x' }, path)).toBeUndefined()
})
