import { type credential, type ReplyOf, type RequestOf, SluiceError } from '@sluice/contracts'
import { validate as isUuid } from 'uuid'
import { servable } from '../domain/credential.ts'
import type { ApplicationDeps } from './deps.ts'
import { openOrExplain } from './open-credential.ts'

/**
 * A version of a connection's credential, sealed to the gateway that asks. The plaintext stands in memory for a moment only.
 * @throws SluiceError `not_found`; `credential_unavailable` when the version is not to be had, or cannot be opened;
 * `invalid_request` when the public key is none
 */
export async function handOutCredential(
  deps: ApplicationDeps,
  { connectionId, version, publicKey }: RequestOf<typeof credential>,
): Promise<ReplyOf<typeof credential>> {
  const stored = isUuid(connectionId)
    ? await deps.connections.findCredential(connectionId, Math.min(version, MAX_VERSION))
    : undefined
  if (stored === undefined) {
    throw new SluiceError('not_found', 'There is no such connection, or it has no stored credential.')
  }
  requireServable(version, stored.current, deps.now())
  const plaintext = await openOrExplain(deps, stored, { connectionId, provider: stored.provider, version })
  const sealed = deps.sealedBoxes.seal(plaintext, publicKey)
  plaintext.fill(0)
  if (sealed === undefined) {
    throw new SluiceError('invalid_request', 'The public key is not valid.', {
      fields: [{ field: 'publicKey', message: 'must be an X25519 public key in base64' }],
    })
  }
  return { connectionId, version, sealed }
}

function requireServable(version: number, current: { version: number; rotatedAt: Date }, now: Date): void {
  const answer = servable(version, current, now)
  if (answer === 'servable') return
  const reason = answer === 'not_yet' ? 'is not there yet' : 'has been replaced'
  throw new SluiceError(
    'credential_unavailable',
    `Version ${version} of the credential ${reason}: the current one is ${current.version}.`,
  )
}

/** The largest that is stored (a 32-bit integer). */
const MAX_VERSION = 2_147_483_647
