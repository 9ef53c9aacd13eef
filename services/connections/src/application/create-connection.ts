import { type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { type Connection, DEFAULT_SETTINGS, settingsOver, toView } from '../domain/connection.ts'
import { type ValidConnection, validateConnection } from '../domain/validate-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { sealCredential } from './seal-credential.ts'

/**
 * Stores a new connection with its credential, sealed.
 * @throws SluiceError `invalid_request` with everything that is wrong with `document`; `name_taken`
 */
export async function createConnection(
  deps: ApplicationDeps,
  actor: Actor,
  document: unknown,
): Promise<ConnectionView> {
  const valid = validateConnection(document, deps.rules)
  const id = deps.newId()
  const sealed = await sealCredential(deps, valid.secrets, {
    connectionId: id,
    provider: valid.provider.id,
    version: 1,
  })
  const createdAt = deps.now()
  const connection: Connection = {
    ...settingsOver(DEFAULT_SETTINGS, valid.input),
    id,
    name: valid.input.name,
    provider: valid.provider.id,
    config: newConfig(deps, valid),
    ...(sealed === undefined ? {} : { credential: sealed.summary }),
    version: 1,
    createdAt,
    updatedAt: createdAt,
  }
  const outcome = await deps.connections.insert(connection, sealed?.credential, actor)
  if (outcome === 'name_taken') throw nameTaken(connection.name)
  return toView(connection)
}

export function nameTaken(name: string): SluiceError {
  return new SluiceError('name_taken', `There is a connection with the name "${name}" already.`, {
    fields: [{ field: 'name', message: 'is taken' }],
  })
}

function newConfig({ newId }: ApplicationDeps, { provider, publicConfig }: ValidConnection): Connection['config'] {
  return provider.generatesExternalId === true ? { ...publicConfig, externalId: `sluice-${newId()}` } : publicConfig
}
