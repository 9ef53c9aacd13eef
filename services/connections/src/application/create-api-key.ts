import { ApiKeyInput, type CreatedApiKey, documentErrors, type FieldError } from '@sluice/contracts'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { validate as isUuid } from 'uuid'
import type { Actor } from '../domain/actor.ts'
import { type ApiKey, toApiKeyView } from '../domain/api-key.ts'
import { invalidDocument } from '../domain/validate-connection.ts'
import type { ApplicationDeps } from './deps.ts'

/**
 * Makes an API key. The answer is the only place where the key itself is shown: its hash is stored.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`
 */
export async function createApiKey(deps: ApplicationDeps, actor: Actor, document: unknown): Promise<CreatedApiKey> {
  const errors = documentErrors(ApiKeyInput, document)
  if (errors.length > 0) throw invalidDocument(errors)
  const input = document as ApiKeyInput
  const createdAt = deps.now()
  const expiresAt = input.expiresAt === undefined ? undefined : new Date(input.expiresAt)
  // A leap second has the right format, and is no instant to the clock.
  if (expiresAt !== undefined && !(expiresAt > createdAt)) {
    errors.push({ field: 'expiresAt', message: 'must be in the future' })
  }
  errors.push(...(await unknownConnections(deps, input)))
  if (errors.length > 0) throw invalidDocument(errors)
  const key = createAccessToken('slc')
  const apiKey: ApiKey = {
    id: deps.newId(),
    name: input.name,
    hash: hashAccessToken(key),
    connections: input.connections,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    createdAt,
  }
  await deps.apiKeys.insert(apiKey, actor)
  return { ...toApiKeyView(apiKey), key }
}

async function unknownConnections(deps: ApplicationDeps, { connections }: ApiKeyInput): Promise<FieldError[]> {
  if (connections === '*') return []
  const existing = await deps.connections.existing(connections.filter((id) => isUuid(id)))
  return connections.flatMap((id, index) =>
    existing.has(id) ? [] : [{ field: `connections.${index}`, message: 'is not the id of a connection' }],
  )
}
