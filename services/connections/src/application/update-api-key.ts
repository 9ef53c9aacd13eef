import { ApiKeyPatch, type ApiKeyView, documentErrors, SluiceError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../domain/actor.ts'
import { changedApiKey, toApiKeyView } from '../domain/api-key.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import { apiKeyErrors } from './api-key-errors.ts'
import type { ApplicationDeps } from './deps.ts'

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
