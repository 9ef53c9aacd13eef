import { expect, it } from 'vitest'
import { sessionEnd } from './session.ts'

const now = new Date('2030-01-01T00:00:00Z')

it.each([
  ['a token that does not expire', undefined, '2030-01-01T12:00:00.000Z'],
  ['a token that expires later', new Date('2030-01-01T12:00:01Z'), '2030-01-01T12:00:00.000Z'],
  ['a token that expires sooner', new Date('2030-01-01T11:59:59Z'), '2030-01-01T11:59:59.000Z'],
])('a session of %s ends in time', (_, expiresAt, end) => {
  expect(sessionEnd(expiresAt === undefined ? {} : { expiresAt }, now).toISOString()).toBe(end)
})
