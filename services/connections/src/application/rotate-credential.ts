import type { ConnectionView } from '@sluice/contracts'
import type { Actor } from '../domain/actor.ts'
import { CredentialRejectedError, CredentialUntestedError } from '../domain/credential-rejected-error.ts'
import { validateRotation } from '../domain/validate-rotation.ts'
import { changeConnection } from './change-connection.ts'
import type { ApplicationDeps } from './deps.ts'
import { patchedConnection } from './patched-connection.ts'
import { secretHolders } from './test-connection.ts'
import type { ConnectionUpdate } from './update-connection.ts'

/**
 * Gives a connection a new credential once its provider has taken it, or has no way to tell; until then, and if it does not, the old one is in force and
 * nothing of the new one is kept.
 * @throws CredentialRejectedError when the provider refuses it; CredentialUntestedError when the provider cannot be reached, or fails;
 * SluiceError `not_found`, `version_conflict`,
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
    const code = test.error?.code ?? ''
    if (REFUSALS.has(code)) throw new CredentialRejectedError(test)
    if (!test.ok && !NO_OBSTACLES.has(code)) throw new CredentialUntestedError(target.id, test)
    return patchedConnection(deps, before, rotation)
  })
}

/** Codes of tests with which a provider refuses a credential. No other failure says anything of it. */
const REFUSALS: ReadonlySet<string> = new Set(['invalid_credential', 'forbidden'])
/** A provider that cannot be asked in this way has rejected nothing; one that has not the model knows the credential. */
const NO_OBSTACLES: ReadonlySet<string> = new Set(['untested', 'model_unavailable'])
