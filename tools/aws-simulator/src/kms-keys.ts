import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { AwsError } from './aws-error.ts'

export type KmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** Authenticated along with a ciphertext; KMS compares it as a set of pairs, in any order. */
export type EncryptionContext = Readonly<Record<string, string>>

/** A symmetric key that never leaves the simulator. */
export interface KmsKey {
  readonly id: string
  readonly arn: string
  state: KmsKeyState
  /** Its policy denies the caller. */
  isDenied: boolean
  encrypt(plaintext: Uint8Array, context: EncryptionContext): Buffer
  /** @throws AwsError `InvalidCiphertextException` for another context, and for altered or truncated ciphertexts */
  decrypt(blob: Buffer, context: EncryptionContext): Buffer
}

/** The keys and aliases of one account in one region. */
export class KmsKeyRing {
  readonly #accountPrefix: string
  readonly #keys = new Map<string, KmsKey>()
  readonly #aliases = new Map<string, KmsKey>()

  /** @param accountPrefix `arn:aws:kms:<region>:<account>` */
  constructor(accountPrefix: string) {
    this.#accountPrefix = accountPrefix
  }

  add(): KmsKey {
    const key = createKmsKey(this.#accountPrefix)
    this.#keys.set(key.id, key)
    return key
  }

  /** Points `name` (`alias/…`) at `key`, whatever it pointed at before. */
  setAlias(name: string, key: KmsKey): void {
    this.#aliases.set(name, key)
  }

  /** Finds a key by id, ARN, alias name or alias ARN. @throws AwsError `NotFoundException` */
  find(name: string): KmsKey {
    const prefix = `${this.#accountPrefix}:`
    const local = name.startsWith(prefix) ? name.slice(prefix.length) : name
    const key = local.startsWith('alias/') ? this.#aliases.get(local) : this.#keys.get(local.replace(/^key\//, ''))
    if (key !== undefined) return key
    const arn = name.startsWith('arn:') ? name : `${prefix}${local.startsWith('alias/') ? local : `key/${local}`}`
    throw new AwsError(
      'NotFoundException',
      local.startsWith('alias/') ? `Alias ${arn} is not found.` : `Key '${arn}' does not exist`,
    )
  }

  /** Finds the key that made a ciphertext. @throws AwsError `InvalidCiphertextException` if no key here did */
  findByCiphertext(blob: Buffer): KmsKey {
    const key = this.#keys.get(blob.subarray(0, ID_BYTES).toString('latin1'))
    if (key === undefined) throw new AwsError('InvalidCiphertextException')
    return key
  }

  /**
   * Finds a key, as {@link KmsKeyRing.find} does, for the caller to use now.
   * @throws AwsError also `AccessDeniedException`, `DisabledException`, `KMSInvalidStateException`
   */
  usable(name: string, operation: string): KmsKey {
    const key = this.find(name)
    requireAllowed(key, operation)
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`)
    if (key.state === 'PendingDeletion')
      throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    return key
  }
}

/** @throws AwsError `AccessDeniedException` */
export function requireAllowed(key: KmsKey, operation: string): void {
  if (!key.isDenied) return
  const message =
    `User: arn:aws:iam::000000000000:user/test is not authorized to perform: kms:${operation} on resource: ${key.arn} ` +
    `because no resource-based policy allows the kms:${operation} action`
  throw new AwsError('AccessDeniedException', message)
}

function createKmsKey(accountPrefix: string): KmsKey {
  const id = randomUUID()
  const material = randomBytes(32)
  return {
    id,
    arn: `${accountPrefix}:key/${id}`,
    state: 'Enabled',
    isDenied: false,
    encrypt: (plaintext, context) => {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', material, iv).setAAD(canonical(context))
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
      return Buffer.concat([Buffer.from(id), iv, cipher.getAuthTag(), ciphertext])
    },
    decrypt: (blob, context) => {
      const iv = blob.subarray(ID_BYTES, ID_BYTES + IV_BYTES)
      const tag = blob.subarray(ID_BYTES + IV_BYTES, HEADER_BYTES)
      if (tag.length !== TAG_BYTES) throw new AwsError('InvalidCiphertextException')
      const decipher = createDecipheriv('aes-256-gcm', material, iv).setAAD(canonical(context)).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(blob.subarray(HEADER_BYTES)), decipher.final()])
      } catch {
        // GCM has one reason to fail here: the tag does not match.
        throw new AwsError('InvalidCiphertextException')
      }
    },
  }
}

function canonical(context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** A ciphertext is the key's id, the IV, the tag and the encrypted bytes. */
const ID_BYTES = 36
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = ID_BYTES + IV_BYTES + TAG_BYTES
