import { type OperatorRole, SluiceError } from '@sluice/contracts'
import { isAccessToken } from '@sluice/service-kit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Actor } from '../audit/audit-entry.ts'
import { type Operator, operatorActor } from '../operators/operator.ts'
import { operatorOfSession, operatorOfToken, type SignInDeps } from '../operators/sign-in.ts'
import type { AttemptGuard, RefusalDetails } from './attempt-guard.ts'
import { clientAddress } from './client-address.ts'
import { clearSessionCookie, sessionCookieOf } from './session-cookie.ts'

/** The callers that may use a route: anyone, or operators of this role and of roles that may do more. */
export type Access = 'anyone' | OperatorRole

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: every operator may read, and only admins may do anything else. */
    access?: Access
  }
  interface FastifyRequest {
    /** The operator that makes the request; undefined on routes that anyone may use. */
    operator: Operator | undefined
  }
}

/** A change in a session must have this header with the value `1`: pages of other sites cannot send it. */
export const CSRF_HEADER = 'x-sluice-csrf'

export interface AuthenticationDeps extends SignInDeps {
  readonly guard: AttemptGuard
  readonly isCookieAlwaysSecure: boolean
}

/**
 * Creates the hook that authenticates each request, by an operator token in `Authorization: Bearer` or else by the
 * session cookie, and checks the operator's role. Both are looked up at each request, so that what is revoked is
 * refused at once.
 *
 * The hook throws SluiceError `unauthenticated`, `forbidden`; RateLimitedError.
 */
export function authentication(deps: AuthenticationDeps) {
  const { guard } = deps
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const access = accessOf(request)
    if (access === 'anyone') return
    const operator = await authenticate(deps, request, reply)
    if (operator.sessionId !== undefined && !isRead(request.method) && request.headers[CSRF_HEADER] !== '1') {
      await guard.refused(operatorActor(operator), refusedRequest(request, { reason: `no ${CSRF_HEADER}` }))
      throw new SluiceError('forbidden', `A change in a session needs the header ${CSRF_HEADER}: 1.`)
    }
    if (access === 'admin' && operator.role !== 'admin') {
      await guard.refused(operatorActor(operator), refusedRequest(request, { reason: `role ${operator.role}` }))
      throw new SluiceError('forbidden', `This needs the role admin; ${operator.name} has the role ${operator.role}.`)
    }
    request.operator = operator
  }
}

/** Returns whether the token or session that authenticated a request, possibly a while ago, is still valid. */
export async function isStillAuthenticated(deps: SignInDeps, request: FastifyRequest): Promise<boolean> {
  const token = bearerTokenOf(request)
  if (token !== undefined) return (await operatorOfToken(deps, token)) !== undefined
  const session = sessionCookieOf(request)
  return session !== undefined && (await operatorOfSession(deps, session)) !== undefined
}

/** Returns who makes a request, on a route that is not for anyone. */
export function operatorOf({ operator }: FastifyRequest): Operator {
  if (operator === undefined) throw new SluiceError('internal', 'a route without authentication has no operator')
  return operator
}

/** Returns the operator as the audit log names them. */
export function actorOf(request: FastifyRequest): Actor {
  return operatorActor(operatorOf(request))
}

/** Returns what was refused, for the audit log: the route's pattern, not the path that was requested. */
export function refusedRequest({ method, routeOptions }: FastifyRequest, details: RefusalDetails): RefusalDetails {
  return { method, ...(routeOptions.url === undefined ? {} : { route: routeOptions.url }), ...details }
}

function accessOf({ routeOptions, method }: FastifyRequest): Access {
  return routeOptions.config.access ?? (isRead(method) ? 'viewer' : 'admin')
}

/** Returns whether the method is safe (RFC 9110, 9.2.1). */
function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

async function authenticate(deps: AuthenticationDeps, request: FastifyRequest, reply: FastifyReply): Promise<Operator> {
  const { guard, isCookieAlwaysSecure } = deps
  const token = bearerTokenOf(request)
  if (token !== undefined) {
    guard.requireAttempt(clientAddress(request))
    const operator = await operatorOfToken(deps, token)
    if (operator !== undefined) return operator
    await guard.failed(clientAddress(request), refusedRequest(request, { with: 'token' }))
    throw unauthenticated(invalidTokenMessage(token))
  }
  const session = sessionCookieOf(request)
  if (session !== undefined) {
    const operator = await operatorOfSession(deps, session)
    if (operator !== undefined) return operator
    await guard.unknownSession(clientAddress(request), refusedRequest(request, { with: 'session' }))
    clearSessionCookie(reply, isCookieAlwaysSecure)
    throw unauthenticated('The session has ended, or its operator token is no longer valid: sign in again.')
  }
  throw unauthenticated(
    request.headers.authorization === undefined
      ? 'An operator token is required: Authorization: Bearer slo_…, or a session.'
      : 'The header Authorization contains no token: it must be "Bearer", a space, and an operator token (slo_…).',
  )
}

function bearerTokenOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  return authorization === undefined ? undefined : /^Bearer +(\S+)$/i.exec(authorization)?.[1]
}

/** Quotes nothing of the token, which may be valid elsewhere. */
function invalidTokenMessage(token: string): string {
  if (token.startsWith('slc_')) {
    return 'The token is an API key, which is for the gateway: the admin API needs an operator token (slo_…).'
  }
  if (!token.startsWith('slo_')) return 'The token is not an operator token: those start with "slo_".'
  if (!isAccessToken(token, 'slo')) {
    return 'The operator token is incomplete: it has 53 characters, and its checksum at the end does not match. Copy it again.'
  }
  return 'The operator token is not valid: it is unknown, expired or revoked.'
}

function unauthenticated(message: string): SluiceError {
  return new SluiceError('unauthenticated', message)
}
