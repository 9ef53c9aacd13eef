import type { ApiKeyPatch, FieldError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import { expiryErrors } from '../domain/expiry.ts'
import { nameErrors } from '../domain/visible-text.ts'
import type { ApplicationDeps } from './deps.ts'

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
