import {
  CreatedOperatorToken,
  OperatorTokenInput,
  OperatorTokenView,
  SessionInput,
  SessionView,
  SluiceError,
} from '@sluice/contracts'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { ApplicationDeps } from '../deps.ts'
import type { AttemptGuard } from '../http/attempt-guard.ts'
import { actorOf, attempt, clearSessionCookie, operatorOf, setSessionCookie } from '../http/authentication.ts'
import { clientAddress } from '../http/client-address.ts'
import type { Routes } from '../http/routes.ts'
import { operatorActor, toOperatorTokenView, toSessionView } from './operator.ts'
import { createOperatorToken, revokeOperatorToken } from './operator-tokens.ts'
import { beginSession } from './sign-in.ts'

/** Operator tokens: list, create, revoke. */
export function operatorTokenRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.get(
      '/operator-tokens',
      { schema: { tags, response: { 200: Type.Object({ items: Type.Array(OperatorTokenView) }) } } },
      async () => ({ items: (await deps.operatorTokens.list()).map(toOperatorTokenView) }),
    )

    app.post(
      '/operator-tokens',
      { schema: { tags, body: OperatorTokenInput, response: { 201: CreatedOperatorToken } } },
      async (request, reply) => reply.code(201).send(await createOperatorToken(deps, actorOf(request), request.body)),
    )

    app.delete(
      '/operator-tokens/:id',
      { schema: { tags, params: Type.Object({ id: Type.String() }), response: { 204: Type.Null() } } },
      async (request, reply) => {
        await revokeOperatorToken(deps, actorOf(request), request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
}

const tags = ['operators']

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
