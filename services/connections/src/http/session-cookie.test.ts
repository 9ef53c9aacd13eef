import cookie from '@fastify/cookie'
import fastify from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clearSessionCookie, sessionCookieOf, setSessionCookie } from './session-cookie.ts'

const app = fastify({ trustProxy: true })

beforeAll(async () => {
  await app.register(cookie)
  app.get('/read', (request) => ({ session: sessionCookieOf(request) }))
  app.get<{ Querystring: { lifetimeMs: string; isAlwaysSecure?: string } }>('/set', (request, reply) => {
    const { lifetimeMs, isAlwaysSecure } = request.query
    setSessionCookie(reply, { value: 'abc', lifetimeMs: Number(lifetimeMs), isAlwaysSecure: isAlwaysSecure === '1' })
    return reply.send()
  })
  app.get('/clear', (_request, reply) => {
    clearSessionCookie(reply, true)
    return reply.send()
  })
})
afterAll(() => app.close())

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
])('reads the session from the Cookie header %j as %j', async (header, session) => {
  const response = await app.inject({ url: '/read', headers: header === undefined ? {} : { cookie: header } })
  expect(response.json()).toEqual(session === undefined ? {} : { session })
})

async function setCookieOf(url: string, headers: Record<string, string> = {}): Promise<string[]> {
  const { headers: received } = await app.inject({ url, headers })
  return String(received['set-cookie']).split('; ').sort()
}

it('limits the cookie to the admin API, and keeps it from scripts and other sites', async () => {
  const common = ['HttpOnly', 'Path=/api', 'SameSite=Strict']
  expect(await setCookieOf('/set?lifetimeMs=1999')).toEqual([...common, 'Max-Age=1', 'sluice_session=abc'].sort())
  const secure = [...common, 'Max-Age=1', 'Secure', 'sluice_session=abc'].sort()
  expect(await setCookieOf('/set?lifetimeMs=1000&isAlwaysSecure=1')).toEqual(secure)
  expect(await setCookieOf('/set?lifetimeMs=1000', { 'x-forwarded-proto': 'https' })).toEqual(secure)
  expect(await setCookieOf('/clear')).toEqual([...common, 'Max-Age=0', 'Secure', 'sluice_session='].sort())
})
