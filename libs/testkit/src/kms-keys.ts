import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { KmsFault } from './kms-fault.ts'

export type KmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** What is authenticated along with a ciphertext; KMS compares it as a set of pairs, in any order. */
export type EncryptionContext = Readonly<Record<string, string>>

/** A symmetric key that never leaves the test endpoint. */
export interface KmsKey {
  readonly id: string
  readonly arn: string
  state: KmsKeyState
  /** Whether its policy refuses the caller. */
  isDenied: boolean
  encrypt(plaintext: Uint8Array, context: EncryptionContext): Buffer
  /** @throws KmsFault `InvalidCiphertextException` for another context, and for what is altered or cut short */
  decrypt(blob: Buffer, context: EncryptionContext): Buffer
}

/** @param accountPrefix `arn:aws:kms:<region>:<account>` */
export function createKmsKey(accountPrefix: string): KmsKey {
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
      if (tag.length !== TAG_BYTES) throw new KmsFault('InvalidCiphertextException')
      const decipher = createDecipheriv('aes-256-gcm', material, iv).setAAD(canonical(context)).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(blob.subarray(HEADER_BYTES)), decipher.final()])
      } catch {
        throw new KmsFault('InvalidCiphertextException')
      }
    },
  }
}

/** The id of the key that a blob says it is from: KMS finds the key by its ciphertext too. */
export function keyIdInBlob(blob: Buffer): string {
  return blob.subarray(0, ID_BYTES).toString('latin1')
}

function canonical(context: EncryptionContext): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))))
}

const ID_BYTES = 36
const IV_BYTES = 12
const TAG_BYTES = 16
const HEADER_BYTES = ID_BYTES + IV_BYTES + TAG_BYTES
