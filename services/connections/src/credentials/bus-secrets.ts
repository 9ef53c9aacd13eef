import {
  type credential,
  type FieldError,
  type ReplyOf,
  type RequestOf,
  SealedSecret,
  SluiceError,
  validate,
} from '@sluice/contracts'
import { catalogueEntry, secretFields } from '@sluice/providers'
import { validate as isUuid } from 'uuid'
import type { ConnectionStore, StoredCredential } from '../connections/connection-store.ts'
import { requireNoErrors } from '../documents.ts'
import { type CredentialOwner, EnvelopeError } from '../keys/envelope.ts'
import type { SealedBoxes } from '../keys/sealed-boxes.ts'
import type { SealingKey } from '../keys/sealing-key.ts'
import { type DecryptDeps, decryptCredential } from './stored-credentials.ts'

export interface IssueDeps extends DecryptDeps {
  readonly connections: ConnectionStore
  readonly sealedBoxes: SealedBoxes
}

/**
 * Returns the current version of a connection's credential, sealed to the gateway that requests it. A gateway that
 * requests an older version has not heard of the new one yet. The plaintext is overwritten at once.
 * @throws SluiceError `not_found`; `credential_unavailable` when the version does not exist yet, or cannot be opened;
 * `upstream_unreachable` when its key service is unavailable; `unavailable` when the database is; `invalid_request`
 * for an invalid public key
 */
export async function issueCredential(
  deps: IssueDeps,
  { connectionId, version: requested, publicKey }: RequestOf<typeof credential>,
): Promise<ReplyOf<typeof credential>> {
  const stored = isUuid(connectionId) ? await deps.connections.findCredential(connectionId) : undefined
  if (stored === undefined) {
    throw new SluiceError('not_found', 'There is no such connection, or it has no stored credential.')
  }
  const { provider, version } = stored
  if (requested > version) {
    const message = `Version ${requested} of the credential does not exist yet: the current version is ${version}.`
    throw new SluiceError('credential_unavailable', message)
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

/**
 * Distinguishes an unavailable key service, which is transient, from a credential that cannot be opened: gateways wait
 * for the former.
 */
async function open(deps: DecryptDeps, stored: StoredCredential, owner: CredentialOwner): Promise<Uint8Array> {
  try {
    return await decryptCredential(deps, stored, owner)
  } catch (error) {
    if (!(error instanceof EnvelopeError) || error.reason !== 'key_unavailable') throw error
    throw new SluiceError('upstream_unreachable', error.message, { cause: error })
  }
}

type Config = Readonly<Record<string, unknown>>

/**
 * Returns the config of a document from the bus with its sealed secrets opened. A secret in clear is refused, so that
 * no client comes to rely on sending them in clear.
 * @throws SluiceError `invalid_request` naming the secrets that are not sealed, or not sealed to this service's key
 */
export async function unsealSecrets(
  { sealedBoxes, sealingKey }: { readonly sealedBoxes: SealedBoxes; readonly sealingKey: SealingKey },
  provider: string,
  config: Config,
): Promise<Config> {
  const entry = catalogueEntry(provider)
  const given = entry === undefined ? [] : secretFields(entry).filter((field) => config[field] !== undefined)
  if (given.length === 0) return config
  const pair = await sealingKey.current()
  const errors: FieldError[] = []
  const opened: Record<string, string> = {}
  for (const field of given) {
    const secret = validate(SealedSecret, config[field])
    const plaintext = secret.valid ? sealedBoxes.open(secret.value.sealed, pair) : undefined
    if (plaintext !== undefined) opened[field] = Buffer.from(plaintext).toString()
    else errors.push({ field: `config.${field}`, message: secret.valid ? NOT_OPENED : NOT_SEALED })
  }
  requireNoErrors(errors)
  return { ...config, ...opened }
}

const NOT_SEALED =
  'must be sealed, as no secret may be on the bus in clear: {"sealed": crypto_box_seal to the key of connections.v1.sealing-key, in base64}'
const NOT_OPENED = 'cannot be opened: it is not sealed to the key that connections.v1.sealing-key returns now'
