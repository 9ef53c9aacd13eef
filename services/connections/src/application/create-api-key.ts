import { ApiKeyInput, type CreatedApiKey, documentErrors } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import type { Actor } from '../domain/actor.ts'
import { type ApiKey, apiKeyHint, toApiKeyView } from '../domain/api-key.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import { apiKeyErrors } from './api-key-errors.ts'
import type { ApplicationDeps } from './deps.ts'

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
