import {
  CreatedOperatorToken,
  OperatorTokenInput,
  OperatorTokenView,
  SessionInput,
  SessionView,
  SluiceError,
} from '@sluice/contracts'
import { Type } from 'typebox'
import type { AttemptGuard } from '../http/attempt-guard.ts'
import { actorOf, operatorOf, refusedRequest } from '../http/authentication.ts'
import { clientAddress } from '../http/client-address.ts'
import type { Routes } from '../http/routes.ts'
import { clearSessionCookie, setSessionCookie } from '../http/session-cookie.ts'
import { operatorActor, toOperatorTokenView } from './operator.ts'
import { createOperatorToken, type OperatorTokenDeps, revokeOperatorToken } from './operator-tokens.ts'
import { toSessionView } from './session.ts'
import { type SignInDeps, startSession } from './sign-in.ts'

/** Operator tokens: list, create, revoke. */
export function operatorTokenRoutes(deps: OperatorTokenDeps): Routes {
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

export interface SessionRouteDeps extends SignInDeps {
  readonly newId: () => string
  readonly guard: AttemptGuard
  /** Limits the cookie to TLS even when the request is not known to have used it. */
  readonly isCookieAlwaysSecure: boolean
}

/** The routes of the caller's session: start, read, end. */
export function sessionRoutes(deps: SessionRouteDeps): Routes {
  const { guard, isCookieAlwaysSecure: isAlwaysSecure } = deps
  return (app) => {
    app.post(
      '/session',
      {
        config: { access: 'anyone' },
        schema: { tags, security: [], body: SessionInput, response: { 201: SessionView } },
      },
      async (request, reply) => {
        guard.requireAttempt(clientAddress(request))
        const started = await startSession(deps, request.body)
        if (started === undefined) {
          await guard.failed(clientAddress(request), refusedRequest(request, { with: 'token' }))
          throw new SluiceError('unauthenticated', 'The operator token is not valid: unknown, expired or revoked.')
        }
        const { operator, secret, lifetimeMs } = started
        setSessionCookie(reply, { value: secret, lifetimeMs, isAlwaysSecure })
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
        clearSessionCookie(reply, isAlwaysSecure)
        return reply.code(204).send(null)
      },
    )
  }
}

const tags = ['operators']
