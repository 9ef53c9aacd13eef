import { type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { type Connection, settingsOver, toView } from '../domain/connection.ts'
import { type ValidPatch, validatePatch } from '../domain/validate-connection.ts'
import { nameTaken } from './create-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { findConnection, requireVersion } from './find-connection.ts'
import { sealCredential } from './seal-credential.ts'

export interface ConnectionUpdate {
  readonly id: string
  /** Absent: whatever the connection's version is. */
  readonly ifVersion: number | undefined
  /** What changes; a secret in its config makes a new version of the credential. */
  readonly document: unknown
}

/**
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`, or `invalid_request` with everything that is wrong with
 * the document
 */
export async function updateConnection(
  deps: ApplicationDeps,
  actor: Actor,
  { id, ifVersion, document }: ConnectionUpdate,
): Promise<ConnectionView> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(deps, id)
    requireVersion(before, ifVersion)
    const { after, credential } = await changed(deps, before, validatePatch(document, before, deps.rules))
    const outcome = await deps.connections.replace(before, after, credential, actor)
    if (outcome === 'stored') return toView(after)
    if (outcome === 'name_taken') throw nameTaken(after.name)
    // Somebody else was faster: the same change is made to what there is now.
  }
  throw new SluiceError('version_conflict', 'The connection is being changed by others all the time. Try again.')
}

async function changed(deps: ApplicationDeps, before: Connection, { patch, publicConfig, secrets }: ValidPatch) {
  const sealed = await sealCredential(deps, secrets, {
    connectionId: before.id,
    provider: before.provider,
    version: (before.credential?.version ?? 0) + 1,
  })
  const after: Connection = {
    ...before,
    ...settingsOver(before, patch),
    name: patch.name ?? before.name,
    config: { ...before.config, ...publicConfig },
    ...(sealed === undefined ? {} : { credential: sealed.summary }),
    version: before.version + 1,
    updatedAt: deps.now(),
  }
  return { after, credential: sealed?.credential }
}

const MAX_ATTEMPTS = 5
