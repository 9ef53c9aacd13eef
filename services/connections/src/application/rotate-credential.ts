import type { ConnectionView } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { CredentialRejectedError } from '../domain/credential-rejected-error.ts'
import { validateRotation } from '../domain/validate-rotation.ts'
import { changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { patchedConnection } from './patched-connection.ts'
import { secretHolders } from './test-connection.ts'
import type { ConnectionUpdate } from './update-connection.ts'

/**
 * Gives a connection a new credential once its provider has taken it, or has no way to tell; until then, and if it does not, the old one is in force and
 * nothing of the new one is kept.
 * @throws CredentialRejectedError when the provider does not take it, or cannot be asked; SluiceError `not_found`, `version_conflict`,
 * or `invalid_request` with everything that is wrong with the document; those of the probe
 */
export function rotateCredential(
  deps: ApplicationDeps,
  actor: Actor,
  { document, ...target }: ConnectionUpdate,
): Promise<ConnectionView> {
  return changeConnection(deps, actor, target, async (before) => {
    const rotation = validateRotation(document, before, deps.rules)
    const { provider, config, allowedModels } = before
    const test = await deps.providerProbe.test({
      provider,
      config: { ...config, ...rotation.publicConfig, ...secretHolders(rotation.secrets) },
      ...(allowedModels === undefined ? {} : { allowedModels }),
    })
    // A provider that cannot be asked in this way has rejected nothing.
    if (!test.ok && test.error?.code !== 'untested') throw new CredentialRejectedError(test)
    return patchedConnection(deps, before, rotation)
  })
}
