import { expect, it } from 'vitest'
import { clearSessionCookie, sessionCookieOf, setSessionCookie } from './authentication.ts'

it.each([
  [undefined, undefined],
  ['', undefined],
  ['other=1', undefined],
  ['sluice_session', undefined],
  ['sluice_session=', undefined],
  ['not_sluice_session=x', undefined],
  ['sluice_session=abc', 'abc'],
  ['a=1; sluice_session=abc; b=2', 'abc'],
  ['a=1;sluice_session=abc', 'abc'],
  ['sluice_session=first; sluice_session=second', 'first'],
])('of the header %j the session is %j', (header, value) => {
  expect(sessionCookieOf(header)).toBe(value)
})

it('is for the admin API alone, for no script and no other site', () => {
  expect(setSessionCookie('abc', 1_999, false)).toBe(
    'sluice_session=abc; Path=/api; Max-Age=1; HttpOnly; SameSite=Strict',
  )
  expect(setSessionCookie('abc', 1_000, true)).toMatch(/; Secure$/)
  expect(clearSessionCookie(true)).toBe('sluice_session=; Path=/api; Max-Age=0; HttpOnly; SameSite=Strict; Secure')
})
