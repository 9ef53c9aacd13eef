import { SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import type { ApplicationDeps } from './deps.ts'
import { findConnection, requireVersion } from './find-connection.ts'

/** @throws SluiceError `not_found`, `version_conflict` */
export async function deleteConnection(
  deps: Pick<ApplicationDeps, 'connections'>,
  actor: Actor,
  id: string,
  ifVersion: number | undefined,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(deps, id)
    requireVersion(before, ifVersion)
    if ((await deps.connections.remove(before, actor)) === 'removed') return
  }
  throw new SluiceError('version_conflict', 'The connection is being changed by others all the time. Try again.')
}

const MAX_ATTEMPTS = 5
