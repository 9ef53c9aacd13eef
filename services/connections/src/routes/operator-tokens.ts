import { CreatedOperatorToken, OperatorTokenInput, OperatorTokenView } from '@sluice/contracts'
import { Type } from 'typebox'
import { createOperatorToken } from '../application/create-operator-token.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import { revokeOperatorToken } from '../application/revoke-operator-token.ts'
import { toOperatorTokenView } from '../domain/operator-token.ts'
import { actorOf } from './authenticate.ts'
import type { Routes } from './routes.ts'

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
