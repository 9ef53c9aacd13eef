import { type credential, type ReplyOf, type RequestOf, SluiceError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import { EnvelopeError } from '../domain/envelope.ts'
import type { StoredCredential } from '../ports/connection-store.ts'
import type { ApplicationDeps } from './deps.ts'
import { type CredentialOwner, openOrExplain } from './open-credential.ts'

/**
 * The current version of a connection's credential, sealed to the gateway that asks. One that asks for an older version has not heard
 * of the new one yet. The plaintext stands in memory for a moment only.
 * @throws SluiceError `not_found`; `credential_unavailable` when the version is not there yet, or cannot be opened;
 * `upstream_unreachable` when its key service is away; `unavailable` when the database is; `invalid_request` when the public
 * key is none
 */
export async function handOutCredential(
  deps: ApplicationDeps,
  { connectionId, version: asked, publicKey }: RequestOf<typeof credential>,
): Promise<ReplyOf<typeof credential>> {
  const stored = isUuid(connectionId) ? await deps.connections.findCredential(connectionId) : undefined
  if (stored === undefined) {
    throw new SluiceError('not_found', 'There is no such connection, or it has no stored credential.')
  }
  const { provider, version } = stored
  if (asked > version) {
    const text = `Version ${asked} of the credential is not there yet: the current one is ${version}.`
    throw new SluiceError('credential_unavailable', text)
  }
  const plaintext = await open(deps, stored, { connectionId, provider, version })
  const sealed = deps.sealedBoxes.seal(plaintext, publicKey)
  plaintext.fill(0)
  if (sealed === undefined) {
    throw new SluiceError('invalid_request', 'The public key is not valid.', {
      fields: [{ field: 'publicKey', message: 'must be an X25519 public key in base64' }],
    })
  }
  return { connectionId, version, sealed }
}

/** Tells a key service that is away, which passes, from a credential that cannot be opened: gateways wait for the former. */
async function open(deps: ApplicationDeps, stored: StoredCredential, owner: CredentialOwner): Promise<Uint8Array> {
  try {
    return await openOrExplain(deps, stored, owner)
  } catch (error) {
    if (!(error instanceof EnvelopeError) || error.reason !== 'key_unavailable') throw error
    throw new SluiceError('upstream_unreachable', error.message, { cause: error })
  }
}
