import { SessionInput, SessionView, SluiceError } from '@sluice/contracts'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AttemptGuard } from '../application/attempt-guard.ts'
import { beginSession } from '../application/begin-session.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import { operatorActor, toSessionView } from '../domain/operator.ts'
import { attempt, operatorOf } from './authenticate.ts'
import { clientAddress } from './client-address.ts'
import type { Routes } from './routes.ts'
import { clearSessionCookie, setSessionCookie } from './session-cookie.ts'

export interface SessionRouteOptions {
  readonly guard: AttemptGuard
  /** Whether the cookie is for TLS only even where the request is not known to have come over it. */
  readonly isAlwaysSecure: boolean
}

/** The console's session: begin, look at, end. */
export function sessionRoutes(deps: ApplicationDeps, { guard, isAlwaysSecure }: SessionRouteOptions): Routes {
  const isSecure = ({ protocol }: FastifyRequest) => isAlwaysSecure || protocol === 'https'
  return (app) => {
    app.post(
      '/session',
      {
        config: { access: 'anyone' },
        schema: { tags, security: [], body: SessionInput, response: { 201: SessionView } },
      },
      async (request, reply) => {
        guard.requireAttempt(clientAddress(request))
        const begun = await beginSession(deps, request.body)
        if (begun === undefined) {
          await guard.failed(clientAddress(request), attempt(request, { with: 'token' }))
          throw new SluiceError('unauthenticated', 'The operator token is not valid: unknown, expired or revoked.')
        }
        const { operator, secret, lifetimeMs } = begun
        reply.header('set-cookie', setSessionCookie(secret, lifetimeMs, isSecure(request)))
        return reply.code(201).send(toSessionView(operator))
      },
    )

    app.get('/session', { schema: { tags, response: { 200: SessionView } } }, (request) =>
      toSessionView(operatorOf(request)),
    )

    app.delete(
      '/session',
      { config: { access: 'viewer' }, schema: { tags, response: { 204: Type.Null() } } },
      async (request, reply) => {
        const operator = operatorOf(request)
        if (operator.sessionId !== undefined) await deps.sessions.remove(operator.sessionId, operatorActor(operator))
        return reply
          .header('set-cookie', clearSessionCookie(isSecure(request)))
          .code(204)
          .send(null)
      },
    )
  }
}

const tags = ['operators']
