import { expect, it } from 'vitest'
import { type ApiKey, restrictsApiKey } from './api-key.ts'

const soon = new Date(1_000)
const later = new Date(2_000)

it.each<[string, Partial<ApiKey>, Partial<ApiKey>, boolean]>([
  ['nothing that counts', {}, {}, false],
  ['all connections for some', {}, { connections: ['a'] }, true],
  ['some for all', { connections: ['a'] }, { connections: '*' }, false],
  ['one more', { connections: ['a'] }, { connections: ['b', 'a'] }, false],
  ['one for another', { connections: ['a', 'b'] }, { connections: ['a', 'c', 'd'] }, true],
  ['an end', {}, { expiresAt: later }, true],
  ['an earlier end', { expiresAt: later }, { expiresAt: soon }, true],
  ['a later end', { expiresAt: soon }, { expiresAt: later }, false],
  ['no end any more', { expiresAt: soon }, {}, false],
])('knows whether a change of an API key restricts it: %s', (_, before, after, expected) => {
  const every = { connections: '*' as const }
  expect(restrictsApiKey({ ...every, ...before }, { ...every, ...after })).toBe(expected)
})
