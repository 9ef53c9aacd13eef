import { type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { type Connection, toView } from '../domain/connection.ts'
import { difference } from '../domain/difference.ts'
import type { ConnectionReplacement } from '../ports/connection-store.ts'
import { nameTaken } from './create-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { findConnection, requireVersion } from './find-connection.ts'

export interface ConnectionToChange {
  readonly id: string
  /** Absent: whatever the connection's version is. */
  readonly ifVersion: number | undefined
}

/**
 * Stores what `change` makes of the connection; nothing, and no new version, where that is what it was. Where somebody else is faster, the change is made anew to what there is then, so that
 * what is stored never mixes two changes.
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`; whatever `change` throws
 */
export async function changeConnection(
  deps: ApplicationDeps,
  actor: Actor,
  { id, ifVersion }: ConnectionToChange,
  change: (before: Connection) => Promise<ConnectionReplacement>,
): Promise<ConnectionView> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const before = await findConnection(deps, id)
    requireVersion(before, ifVersion)
    const replacement = await change(before)
    if (changesNothing(before, replacement)) return toView(before)
    const outcome = await deps.connections.replace(before, replacement, actor)
    if (outcome === 'stored') return toView(replacement.connection)
    if (outcome === 'name_taken') throw nameTaken(replacement.connection.name)
  }
  throw new SluiceError('version_conflict', 'The connection is being changed by others all the time. Try again.')
}

function changesNothing(before: Connection, { what, connection }: ConnectionReplacement): boolean {
  return what === 'updated' && difference(toView(before), toView(connection)).length === 0
}

const MAX_ATTEMPTS = 5
