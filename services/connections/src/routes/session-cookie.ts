/** The cookie of a console session. What it holds is never in a log. */
export const SESSION_COOKIE = 'sluice_session'

/** What the session's cookie holds; undefined where a request's `Cookie` header has none. */
export function sessionCookieOf(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === SESSION_COOKIE && value !== undefined && value !== '') return value
  }
  return undefined
}

/**
 * `Set-Cookie` of a session (RFC 6265): for the admin API alone, out of reach of scripts, and never sent from another site's page.
 * @param isSecure whether it is sent over TLS only
 */
export function setSessionCookie(value: string, lifetimeMs: number, isSecure: boolean): string {
  const maxAgeSeconds = Math.max(0, Math.floor(lifetimeMs / 1_000))
  const attributes = ['Path=/api', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict']
  return [`${SESSION_COOKIE}=${value}`, ...attributes, ...(isSecure ? ['Secure'] : [])].join('; ')
}

/** `Set-Cookie` that has the browser forget the session. */
export function clearSessionCookie(isSecure: boolean): string {
  return setSessionCookie('', 0, isSecure)
}
