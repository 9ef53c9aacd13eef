import { ApiKeyInput, ApiKeyPatch, ApiKeyView, CreatedApiKey, SluiceError } from '@sluice/contracts'
import { Type } from 'typebox'
import { validate as isUuid } from 'uuid'
import { createApiKey } from '../application/create-api-key.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import { updateApiKey } from '../application/update-api-key.ts'
import { toApiKeyView } from '../domain/api-key.ts'
import { actorOf } from './authenticate.ts'
import type { Routes } from './routes.ts'

/** API keys of applications: list, create, change, revoke. */
export function apiKeyRoutes(deps: ApplicationDeps): Routes {
  return (app) => {
    app.get(
      '/api-keys',
      { schema: { tags, response: { 200: Type.Object({ items: Type.Array(ApiKeyView) }) } } },
      async () => ({ items: (await deps.apiKeys.list()).map(toApiKeyView) }),
    )

    app.post(
      '/api-keys',
      { schema: { tags, body: ApiKeyInput, response: { 201: CreatedApiKey } } },
      async (request, reply) => reply.code(201).send(await createApiKey(deps, actorOf(request), request.body)),
    )

    app.patch(
      '/api-keys/:id',
      { schema: { tags, params: ApiKeyParams, body: ApiKeyPatch, response: { 200: ApiKeyView } } },
      (request) => updateApiKey(deps, actorOf(request), request.params.id, request.body),
    )

    app.delete(
      '/api-keys/:id',
      { schema: { tags, params: ApiKeyParams, response: { 204: Type.Null() } } },
      async (request, reply) => {
        const { id } = request.params
        const isRevoked = isUuid(id) && (await deps.apiKeys.remove(id, actorOf(request)))
        if (!isRevoked) throw new SluiceError('not_found', 'There is no such API key.')
        return reply.code(204).send(null)
      },
    )
  }
}

const ApiKeyParams = Type.Object({ id: Type.String() })

const tags = ['API keys']
