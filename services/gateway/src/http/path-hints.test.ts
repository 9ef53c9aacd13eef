import type { ProviderId } from '@sluice/contracts'
import { providerAdapter } from '@sluice/providers'
import { expect, it } from 'vitest'
import { endsWithSpace, expectedFormat, forgivenUrl, nothingThere, unsupportedMessage } from './path-hints.ts'

it.each([
  ['/model/m/converse', true],
  ['/x/model/a/b/invoke/', true],
  ['/model/arn:aws:bedrock:eu-west-1::x/y/count-tokens', true],
  ['/model/converse', false],
  ['/model//converse', false],
  ['/models/m/converse', false],
  ['/model/m/converse/more', false],
])('knows a path of AWS Bedrock: %s is one: %s', (path, expected) => {
  expect(nothingThere('POST', path).provider === 'aws-bedrock').toBe(expected)
})

it.each([
  ['/v1/messages%20', true],
  ['/v1/messages%0A%0d/', true],
  ['/v1/messages%20x', false],
])('knows a path that ends with white space: %s does: %s', (path, expected) => {
  expect(endsWithSpace(path)).toBe(expected)
})

const PROVIDERS: readonly ProviderId[] = ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock']
/** Beginnings, what is repeated, and an end that no pattern takes. */
const HOSTILE: readonly (readonly [string, string, string])[] = [
  ['/x', '/model/a', ''],
  ['/x', '/model/a', '/converse/x'],
  ['', '/', 'x'],
  ['/v1', '%20', 'x'],
  ['/v1', '%0a', '/x/'],
  ['', '/v1', '/x'],
  ['/v1', '/chat/completions', '/x'],
  ['/', 'connections/', ''],
  ['/models/', 'a:', '1'],
  ['/audio/', 'a', '-'],
  ['/openai', '/', 'v1'],
]

it.each(HOSTILE)('takes linear time for %j, %j again and again, and %j', (start, repeated, end) => {
  const path = start + repeated.repeat(Math.ceil(300_000 / repeated.length)) + end
  const began = process.cpuUsage()
  forgivenUrl(path)
  nothingThere('POST', path)
  endsWithSpace(path)
  expectedFormat({}, path)
  for (const provider of PROVIDERS) unsupportedMessage(provider, 'prod', 'GET', path)
  const { user, system } = process.cpuUsage(began)
  // Milliseconds where the time is linear; tens of seconds where it is quadratic.
  expect((user + system) / 1_000).toBeLessThan(2_000)
})

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
  expect(expectedFormat(headers, path)).toBe(providerAdapter(provider).errorResponse)
})

it.each([
  '/v1/chat/completions',
  '/openai/v1/chat/completions',
  '/v1/models/gpt-5',
  '/v1/models/ft:gpt-4o:org::id',
  '/v1/threads/t/messages',
  '/v1beta/openai/chat/completions',
  '',
])('knows no format for %j', (path) => {
  expect(expectedFormat({ authorization: 'Bearer slc_x' }, path)).toBeUndefined()
})
