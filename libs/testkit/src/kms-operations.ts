import { randomBytes } from 'node:crypto'
import { KmsFault } from './kms-fault.ts'
import { type KmsKeyRing, requireAllowed } from './kms-key-ring.ts'
import { type EncryptionContext, type KmsKey, keyIdInBlob } from './kms-keys.ts'

type Input = Readonly<Record<string, unknown>>
type Operation = (keys: KmsKeyRing, input: Input) => object

/** The operations of KMS that the testkit has: https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html. */
export const KMS_OPERATIONS = {
  GenerateDataKey: (keys, input) => {
    const key = keys.usable(text(input, 'KeyId'), 'GenerateDataKey')
    const sizeBytes = input.KeySpec === undefined ? Number(input.NumberOfBytes) : KEY_BYTES[text(input, 'KeySpec')]
    if (sizeBytes === undefined || !(sizeBytes >= 1 && sizeBytes <= 1_024)) throw invalid('keySpec')
    const plaintext = randomBytes(sizeBytes)
    const blob = key.encrypt(plaintext, context(input, 'EncryptionContext'))
    return { CiphertextBlob: base64(blob), Plaintext: base64(plaintext), KeyId: key.arn }
  },
  Encrypt: (keys, input) => {
    const key = keys.usable(text(input, 'KeyId'), 'Encrypt')
    const blob = key.encrypt(bytes(input, 'Plaintext', 4_096), context(input, 'EncryptionContext'))
    return { CiphertextBlob: base64(blob), KeyId: key.arn, EncryptionAlgorithm: ALGORITHM }
  },
  Decrypt: (keys, input) => {
    const blob = bytes(input, 'CiphertextBlob', 6_144)
    const key = keyOfBlob(keys, blob, input.KeyId, 'Decrypt')
    const plaintext = key.decrypt(blob, context(input, 'EncryptionContext'))
    return { KeyId: key.arn, Plaintext: base64(plaintext), EncryptionAlgorithm: ALGORITHM }
  },
  ReEncrypt: (keys, input) => {
    const blob = bytes(input, 'CiphertextBlob', 6_144)
    const source = keyOfBlob(keys, blob, input.SourceKeyId, 'ReEncryptFrom')
    const destination = keys.usable(text(input, 'DestinationKeyId'), 'ReEncryptTo')
    const plaintext = source.decrypt(blob, context(input, 'SourceEncryptionContext'))
    return {
      CiphertextBlob: base64(destination.encrypt(plaintext, context(input, 'DestinationEncryptionContext'))),
      SourceKeyId: source.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: ALGORITHM,
      DestinationEncryptionAlgorithm: ALGORITHM,
    }
  },
  DescribeKey: (keys, input) => {
    const key = keys.find(text(input, 'KeyId'))
    requireAllowed(key, 'DescribeKey')
    return {
      KeyMetadata: {
        AWSAccountId: key.arn.split(':')[4],
        KeyId: key.id,
        Arn: key.arn,
        Enabled: key.state === 'Enabled',
        KeyState: key.state,
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeySpec: ALGORITHM,
        KeyManager: 'CUSTOMER',
        Origin: 'AWS_KMS',
      },
    }
  },
} as const satisfies Readonly<Record<string, Operation>>

export type KmsOperation = keyof typeof KMS_OPERATIONS

export function isKmsOperation(name: string): name is KmsOperation {
  return Object.hasOwn(KMS_OPERATIONS, name)
}

function keyOfBlob(keys: KmsKeyRing, blob: Buffer, asked: unknown, operation: string): KmsKey {
  const named = typeof asked === 'string' ? keys.usable(asked, operation) : undefined
  let own: KmsKey
  try {
    own = keys.find(keyIdInBlob(blob))
  } catch {
    throw new KmsFault('InvalidCiphertextException')
  }
  if (named === undefined) return keys.usable(own.arn, operation)
  if (named !== own) {
    throw new KmsFault(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    )
  }
  return named
}

function text(input: Input, name: string): string {
  const value = input[name]
  if (typeof value !== 'string' || value === '') throw invalid(name)
  return value
}

function bytes(input: Input, name: string, maxBytes: number): Buffer {
  const value = input[name]
  const decoded = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.alloc(0)
  if (decoded.length < 1 || decoded.length > maxBytes) throw invalid(name)
  return decoded
}

function context(input: Input, name: string): EncryptionContext {
  const value = input[name] ?? {}
  const isContext = typeof value === 'object' && Object.values(value).every((entry) => typeof entry === 'string')
  if (!isContext) throw new KmsFault('SerializationException')
  return value as EncryptionContext
}

function invalid(name: string): KmsFault {
  const member = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  return new KmsFault(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint`,
  )
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

const ALGORITHM = 'SYMMETRIC_DEFAULT'
const KEY_BYTES: Readonly<Record<string, number>> = { AES_128: 16, AES_256: 32 }
