import type { ConnectionView } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { validatePatch } from '../domain/validate-connection.ts'
import { type ConnectionToChange, changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { patchedConnection } from './patched-connection.ts'

export interface ConnectionUpdate extends ConnectionToChange {
  /** What changes; a secret in its config makes a new version of the credential. */
  readonly document: unknown
}

/**
 * @throws SluiceError `not_found`, `version_conflict`, `name_taken`, or `invalid_request` with everything that is wrong with
 * the document
 */
export function updateConnection(
  deps: ApplicationDeps,
  actor: Actor,
  { document, ...target }: ConnectionUpdate,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, (before) =>
    patchedConnection(deps, before, validatePatch(document, before, deps.rules)),
  )
}
