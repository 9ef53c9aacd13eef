import { expect, it } from 'vitest'
import { type Connection, DEFAULT_SETTINGS, restrictsConnection } from './connection.ts'

const soon = new Date(1_000)
const later = new Date(2_000)

const credential = { version: 1, hint: '', rotatedAt: soon }

it.each<[string, Partial<Connection>, Partial<Connection>, boolean]>([
  ['nothing', {}, {}, false],
  ['a description, and what counts changes', {}, { description: 'x', version: 2, updatedAt: later }, false],
  ['a name', {}, { name: 'other' }, true],
  ['administration withdrawn', { allowAdministration: true }, { allowAdministration: false }, true],
  ['administration allowed', { allowAdministration: false }, { allowAdministration: true }, false],
  ['usage of streams asked for no more', { requestStreamUsage: true }, { requestStreamUsage: false }, false],
  ['discovered limits held', { enforceDiscovered: false }, { enforceDiscovered: true }, true],
  ['discovered limits held no more', { enforceDiscovered: true }, { enforceDiscovered: false }, false],
  ['rejected without capacity', { onCapacityUnavailable: 'allow' }, { onCapacityUnavailable: 'reject' }, true],
  ['allowed without capacity', { onCapacityUnavailable: 'reject' }, { onCapacityUnavailable: 'allow' }, false],
  ['a capacity', { capacity: [] }, { capacity: [{ period: 'minute', requests: 1, enabled: true }] }, true],
  [
    'a lower capacity',
    { capacity: [{ period: 'minute', requests: 2, enabled: true }] },
    { capacity: [{ period: 'minute', requests: 1, enabled: true }] },
    true,
  ],
  ['a shorter wait', { maxWaitMs: 2 }, { maxWaitMs: 1 }, true],
  ['a larger reservation', { defaultMaxOutputTokens: 1 }, { defaultMaxOutputTokens: 2 }, true],
  ['a field that is not known here', {}, { unheardOf: true } as object, true],
  ['a description together with disabling', {}, { description: 'x', enabled: false }, true],
  ['disabling', {}, { enabled: false }, true],
  ['enabling', { enabled: false }, {}, false],
  ['a new credential', { credential }, { credential: { ...credential, version: 2 } }, true],
  ['a fault that was noted', { credential }, { credential: { ...credential, hint: 'x' } }, false],
  ['another base URL', { config: { baseUrl: 'https://a' } }, { config: { baseUrl: 'https://b' } }, true],
  ['a list of models', {}, { allowedModels: ['a'] }, true],
  ['a longer one', { allowedModels: ['a'] }, { allowedModels: ['b', 'a'] }, false],
  ['one without one of them', { allowedModels: ['a', 'b'] }, { allowedModels: ['b'] }, true],
  ['none any more', { allowedModels: ['a'] }, {}, false],
])('knows whether a change of a connection restricts it: %s', (_, before, after, expected) => {
  const connection: Connection = {
    ...DEFAULT_SETTINGS,
    id: 'c',
    name: 'c',
    provider: 'openai',
    config: {},
    version: 1,
    createdAt: soon,
    updatedAt: soon,
  }
  expect(restrictsConnection({ ...connection, ...before }, { ...connection, ...after })).toBe(expected)
})
