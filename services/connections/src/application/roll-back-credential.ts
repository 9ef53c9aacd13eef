import { type ConnectionView, SluiceError } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import type { Connection } from '../domain/connection.ts'
import type { RecordedVersion } from '../domain/credential-version.ts'
import { rollbackUntil } from '../domain/credential-version.ts'
import type { StoredCredential } from '../ports/connection-store.ts'
import { type ConnectionToChange, changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { openFields } from './open-credential.ts'
import { nextVersion, sealCredential } from './seal-credential.ts'

/**
 * Puts the previous version's credential in force again, sealed anew as the next version, as versions only go up wherever they are
 * held. The version that it takes the place of can be rolled back to in turn.
 * @throws SluiceError `not_found`, `version_conflict`, `no_previous_credential`; EnvelopeError when the previous version cannot be
 * opened
 */
export function rollBackCredential(
  deps: ApplicationDeps,
  actor: Actor,
  target: ConnectionToChange,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, async (before) => {
    const { recorded, stored } = await previousVersion(deps, before)
    const { id: connectionId, provider } = before
    const fields = await openFields(deps, stored, { connectionId, provider, version: recorded.version })
    const sealed = await sealCredential(deps, fields, nextVersion(before))
    if (sealed === undefined) throw new SluiceError('internal', 'a stored credential has no fields')
    const connection: Connection = {
      ...before,
      credential: { ...sealed.summary, restores: recorded.version },
      version: before.version + 1,
      updatedAt: deps.now(),
    }
    return { what: 'rolled-back', connection, credential: sealed.credential }
  })
}

async function previousVersion(
  { credentialHistory, credentialGraceMs: graceMs, now }: ApplicationDeps,
  { id, credential: current }: Connection,
): Promise<{ recorded: RecordedVersion; stored: StoredCredential }> {
  if (current === undefined) throw none('The connection has no stored credential.')
  if (current.version === 1) throw none('The credential has not been rotated yet.')
  const previous = await credentialHistory.find(id, current.version - 1)
  if (previous === undefined || rollbackUntil(previous.recorded, current, { now: now(), graceMs }) === undefined) {
    const since = current.rotatedAt.toISOString()
    throw none(`The credential before the current one, which is in force since ${since}, is no longer kept.`)
  }
  return previous
}

function none(message: string): SluiceError {
  return new SluiceError('no_previous_credential', message)
}
