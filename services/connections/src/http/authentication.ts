import { type OperatorRole, SluiceError } from '@sluice/contracts'
import { isAccessToken } from '@sluice/service-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '../audit/audit-entry.ts'
import type { ApplicationDeps } from '../deps.ts'
import { type Operator, operatorActor } from '../operators/operator.ts'
import { operatorOfSession, operatorOfToken } from '../operators/sign-in.ts'
import type { AttemptGuard, RefusalDetails } from './attempt-guard.ts'
import { clientAddress } from './client-address.ts'

/** Who may use a route: whoever comes, or operators of this role and of any that may do more. */
export type Access = 'anyone' | OperatorRole

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: reading is for every operator, everything else for admins alone. */
    access?: Access
  }
}

export function accessOf({ routeOptions, method }: FastifyRequest): Access {
  return routeOptions.config.access ?? (isRead(method) ? 'viewer' : 'admin')
}

/** Whether a request of this method changes nothing (RFC 9110, 9.2.1). */
export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

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

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; undefined on routes that ask nobody. */
    operator: Operator | undefined
  }
}

/** A change that comes with a session's cookie must have it, with the value `1`: no page of another site can have it sent. */
export const CSRF_HEADER = 'x-sluice-csrf'

/**
 * Finds out who makes a request, by an operator token in `Authorization: Bearer` or else by a console session's cookie, and whether
 * the route is for them. Both are looked up at each request, so that what is revoked is refused at once.
 * @throws SluiceError `unauthenticated`, `forbidden`; RateLimitedError
 */
export function authentication(deps: ApplicationDeps, guard: AttemptGuard) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const access = accessOf(request)
    if (access === 'anyone') return
    const operator = await identify(deps, guard, request, reply)
    if (operator.sessionId !== undefined && !isRead(request.method) && request.headers[CSRF_HEADER] !== '1') {
      await guard.refused(operatorActor(operator), attempt(request, { reason: `no ${CSRF_HEADER}` }))
      throw new SluiceError('forbidden', `A change with a session needs the header ${CSRF_HEADER}: 1.`)
    }
    if (access === 'admin' && operator.role !== 'admin') {
      await guard.refused(operatorActor(operator), attempt(request, { reason: `role ${operator.role}` }))
      throw new SluiceError(
        'forbidden',
        `This needs the role admin, and ${operator.name} has the role ${operator.role}.`,
      )
    }
    request.operator = operator
  }
}

/** Whether who made a request, which may have been a while ago, could still make it. */
export async function isStillGood(deps: ApplicationDeps, request: FastifyRequest): Promise<boolean> {
  const token = bearerTokenOf(request)
  const cookie = sessionCookieOf(request.headers.cookie)
  if (token !== undefined) return (await operatorOfToken(deps, token)) !== undefined
  return cookie !== undefined && (await operatorOfSession(deps, cookie)) !== undefined
}

/** Who makes a request, on a route that asks. */
export function operatorOf({ operator }: FastifyRequest): Operator {
  if (operator === undefined) throw new SluiceError('internal', 'a route without authentication has no operator')
  return operator
}

/** The same, as the audit log names them. */
export function actorOf(request: FastifyRequest): Actor {
  return operatorActor(operatorOf(request))
}

/** What was tried, for the audit log: the route as it is documented, not the address that was asked for. */
export function attempt({ method, routeOptions }: FastifyRequest, details: RefusalDetails): RefusalDetails {
  return { method, route: routeOptions.url ?? '', ...details }
}

async function identify(
  deps: ApplicationDeps,
  guard: AttemptGuard,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Operator> {
  const token = bearerTokenOf(request)
  if (token !== undefined) {
    guard.requireAttempt(clientAddress(request))
    const operator = await operatorOfToken(deps, token)
    if (operator !== undefined) return operator
    await guard.failed(clientAddress(request), attempt(request, { with: 'token' }))
    throw unauthenticated(refusedTokenMessage(token))
  }
  const cookie = sessionCookieOf(request.headers.cookie)
  if (cookie !== undefined) {
    const operator = await operatorOfSession(deps, cookie)
    if (operator !== undefined) return operator
    await guard.unknownSession(clientAddress(request), attempt(request, { with: 'session' }))
    reply.header('set-cookie', clearSessionCookie(request.protocol === 'https'))
    throw unauthenticated('The session is over, or its operator token is no longer valid: sign in again.')
  }
  throw unauthenticated(
    request.headers.authorization === undefined
      ? 'An operator token is needed: Authorization: Bearer slo_…, or a session.'
      : 'The header Authorization holds no token: it must be "Bearer", a space, and an operator token (slo_…).',
  )
}

function bearerTokenOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Shows nothing of the token, which may be good elsewhere. */
function refusedTokenMessage(token: string): string {
  if (token.startsWith('slc_')) {
    return 'The token is an API key, which is for the gateway: the admin API needs an operator token (slo_…).'
  }
  if (!token.startsWith('slo_')) return 'The token is not an operator token: those begin with "slo_".'
  if (!isAccessToken(token, 'slo')) {
    return 'The operator token is not whole: it has 53 characters, the last of which are a checksum that does not fit. Copy it again.'
  }
  return 'The operator token is not valid: it is unknown, expired or revoked.'
}

function unauthenticated(message: string): SluiceError {
  return new SluiceError('unauthenticated', message)
}
