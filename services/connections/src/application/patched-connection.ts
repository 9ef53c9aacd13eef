import { type Connection, settingsAfter } from '../domain/connection.ts'
import type { ValidPatch } from '../domain/validate-connection.ts'
import type { ConnectionReplacement } from '../ports/connection-store.ts'
import type { ApplicationDeps } from './deps.ts'
import { nextVersion, sealCredential } from './seal-credential.ts'

/**
 * The connection with a change made to it; a secret in the change is sealed as a new version of the credential.
 * @throws EnvelopeError when the key service gives no data key
 */
export async function patchedConnection(
  deps: ApplicationDeps,
  before: Connection,
  { patch, publicConfig, secrets }: ValidPatch,
): Promise<ConnectionReplacement> {
  const sealed = await sealCredential(deps, secrets, nextVersion(before))
  // Absent from the settings where every model is allowed.
  const { allowedModels: _, ...kept } = before
  const connection: Connection = {
    ...kept,
    ...settingsAfter(before, patch),
    name: patch.name ?? before.name,
    config: withoutNulls({ ...before.config, ...publicConfig }),
    ...(sealed === undefined ? {} : { credential: sealed.summary }),
    version: before.version + 1,
    updatedAt: deps.now(),
  }
  return sealed === undefined
    ? { what: 'updated', connection }
    : { what: 'rotated', connection, credential: sealed.credential }
}

function withoutNulls(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null))
}
