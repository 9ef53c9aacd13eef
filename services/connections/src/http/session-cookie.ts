import type {} from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The cookie of an operator's session. Its value is never logged. */
export const SESSION_COOKIE = 'sluice_session'

/** Returns the value of the session cookie; undefined when the request has none. */
export function sessionCookieOf({ cookies }: Pick<FastifyRequest, 'cookies'>): string | undefined {
  const value = cookies[SESSION_COOKIE]
  return value === '' ? undefined : value
}

export interface SessionCookie {
  readonly value: string
  readonly lifetimeMs: number
  /** Limits it to TLS even when the request is not known to have used it. */
  readonly isAlwaysSecure: boolean
}

/**
 * Sets the session cookie: for the admin API only, not readable by scripts, and never sent from another site's page.
 */
export function setSessionCookie(reply: FastifyReply, { value, lifetimeMs, isAlwaysSecure }: SessionCookie): void {
  reply.setCookie(SESSION_COOKIE, value, {
    path: '/api',
    maxAge: Math.max(0, Math.floor(lifetimeMs / 1_000)),
    httpOnly: true,
    sameSite: 'strict',
    secure: isAlwaysSecure || 'auto',
  })
}

/** Makes the browser forget the session. */
export function clearSessionCookie(reply: FastifyReply, isAlwaysSecure: boolean): void {
  setSessionCookie(reply, { value: '', lifetimeMs: 0, isAlwaysSecure })
}
