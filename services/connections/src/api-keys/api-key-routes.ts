import { ApiKeyInput, ApiKeyPatch, ApiKeyView, CreatedApiKey, type FieldError, SluiceError } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { Type } from 'typebox'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../audit/audit-entry.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { expiryErrors, nameErrors, parseDocument, requireNoErrors } from '../documents.ts'
import { actorOf } from '../http/authentication.ts'
import type { Routes } from '../http/routes.ts'
import { type ApiKey, apiKeyHint, changedApiKey, toApiKeyView } from './api-key.ts'
import type { ApiKeyStore } from './api-key-store.ts'

export interface ApiKeyDeps {
  readonly apiKeys: ApiKeyStore
  readonly connections: ConnectionStore
  readonly now: () => Date
  /** Returns a new UUID. */
  readonly newId: () => string
}

/** API keys of applications: list, create, change, revoke. */
export function apiKeyRoutes(deps: ApiKeyDeps): Routes {
  return (app) => {
    app.get(
      '/api-keys',
      { schema: { tags, response: { 200: Type.Object({ items: Type.Array(ApiKeyView) }) } } },
      async () => ({ items: (await deps.apiKeys.list()).map(toApiKeyView) }),
    )

    app.post(
      '/api-keys',
      {
        schema: {
          tags,
          description: 'Creates an API key. Only this response has the key itself.',
          body: ApiKeyInput,
          response: { 201: CreatedApiKey },
        },
      },
      async (request, reply) => reply.code(201).send(await createApiKey(deps, actorOf(request), request.body)),
    )

    app.patch(
      '/api-keys/:id',
      {
        schema: {
          tags,
          description: "Changes an API key's name, connections or expiry; the key itself stays.",
          params: ApiKeyParams,
          body: ApiKeyPatch,
          response: { 200: ApiKeyView },
        },
      },
      (request) => updateApiKey(deps, actorOf(request), request.params.id, request.body),
    )

    app.delete(
      '/api-keys/:id',
      { schema: { tags, params: ApiKeyParams, response: { 204: Type.Null() } } },
      async (request, reply) => {
        const { id } = request.params
        const isRevoked = isUuid(id) && (await deps.apiKeys.remove(id, actorOf(request)))
        if (!isRevoked) throw notFound()
        return reply.code(204).send(null)
      },
    )
  }
}

async function createApiKey(deps: ApiKeyDeps, actor: Actor, document: unknown): Promise<CreatedApiKey> {
  const input = parseDocument(ApiKeyInput, document)
  requireNoErrors(await apiKeyErrors(deps, input))
  const key = createAccessToken('slc')
  const apiKey: ApiKey = {
    id: deps.newId(),
    name: input.name,
    hash: hashAccessToken(key),
    hint: apiKeyHint(key),
    connections: input.connections,
    ...(input.expiresAt === undefined ? {} : { expiresAt: new Date(input.expiresAt) }),
    createdAt: deps.now(),
  }
  await deps.apiKeys.insert(apiKey, actor)
  return { ...toApiKeyView(apiKey), key }
}

async function updateApiKey(deps: ApiKeyDeps, actor: Actor, id: string, document: unknown): Promise<ApiKeyView> {
  const patch = parseDocument(ApiKeyPatch, document)
  requireNoErrors(await apiKeyErrors(deps, patch))
  const updated = isUuid(id) ? await deps.apiKeys.update(id, (key) => changedApiKey(key, patch), actor) : undefined
  if (updated === undefined) throw notFound()
  return toApiKeyView(updated)
}

/** Returns the errors that no schema can express: a deceptive name, an expiry in the past, unknown connections. */
async function apiKeyErrors(
  { connections: store, now }: Pick<ApiKeyDeps, 'connections' | 'now'>,
  { name, expiresAt, connections = [] }: ApiKeyPatch,
): Promise<FieldError[]> {
  const errors = [...nameErrors(name), ...expiryErrors(expiresAt, now())]
  if (connections === '*') return errors
  const existing = await store.existing(connections.filter((id) => isUuid(id)))
  const unknown = connections.flatMap((id, index) =>
    existing.has(id) ? [] : [{ field: `connections.${index}`, message: 'is not the id of a connection' }],
  )
  return [...errors, ...unknown]
}

function notFound(): SluiceError {
  return new SluiceError('not_found', 'There is no such API key.')
}

const ApiKeyParams = Type.Object({ id: Type.String() })

const tags = ['API keys']
