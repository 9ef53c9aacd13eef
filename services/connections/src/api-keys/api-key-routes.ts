import {
  ApiKeyInput,
  ApiKeyPatch,
  ApiKeyView,
  CreatedApiKey,
  documentErrors,
  type FieldError,
  SluiceError,
} from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { Type } from 'typebox'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../audit/audit-entry.ts'
import { invalidDocument } from '../connections/connection-documents.ts'
import type { ApplicationDeps } from '../deps.ts'
import { expiryErrors, nameErrors } from '../documents.ts'
import { actorOf } from '../http/authentication.ts'
import type { Routes } from '../http/routes.ts'
import { type ApiKey, apiKeyHint, changedApiKey, toApiKeyView } from './api-key.ts'

/**
 * What is wrong with an API key, or a change of one, of the right shape: its name
 * passes for something else, it expires in the past, it names what is no connection.
 */
export async function apiKeyErrors(
  { connections: store, now }: Pick<ApplicationDeps, 'connections' | 'now'>,
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

/**
 * Makes an API key. The answer is the only place where the key itself is shown: its hash is stored.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`
 */
export async function createApiKey(deps: ApplicationDeps, actor: Actor, document: unknown): Promise<CreatedApiKey> {
  const malformed = documentErrors(ApiKeyInput, document)
  if (malformed.length > 0) throw invalidDocument(malformed)
  const { name, connections, expiresAt } = document as ApiKeyInput
  const errors = await apiKeyErrors(deps, document as ApiKeyInput)
  if (errors.length > 0) throw invalidDocument(errors)
  const key = createAccessToken('slc')
  const apiKey: ApiKey = {
    id: deps.newId(),
    name,
    hash: hashAccessToken(key),
    hint: apiKeyHint(key),
    connections,
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
    createdAt: deps.now(),
  }
  await deps.apiKeys.insert(apiKey, actor)
  return { ...toApiKeyView(apiKey), key }
}

/**
 * Changes an API key's name, scope or expiry; the key itself stays.
 * @throws SluiceError `not_found`, or `invalid_request` with everything that is wrong with `document`
 */
export async function updateApiKey(
  deps: ApplicationDeps,
  actor: Actor,
  id: string,
  document: unknown,
): Promise<ApiKeyView> {
  const malformed = documentErrors(ApiKeyPatch, document)
  if (malformed.length > 0) throw invalidDocument(malformed)
  const patch = document as ApiKeyPatch
  const errors = await apiKeyErrors(deps, patch)
  if (errors.length > 0) throw invalidDocument(errors)
  const updated = isUuid(id) ? await deps.apiKeys.update(id, (key) => changedApiKey(key, patch), actor) : undefined
  if (updated === undefined) throw new SluiceError('not_found', 'There is no such API key.')
  return toApiKeyView(updated)
}

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
