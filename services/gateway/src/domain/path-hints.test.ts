import type { ProviderId } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { expectedFormat } from './expected-format.ts'
import { endsWithSpace, forgivenUrl, nothingThere, unsupportedMessage } from './path-hints.ts'

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
