import { randomBytes } from 'node:crypto'
import { type AwsApi, JSON_PROTOCOL, parseInput } from './api.ts'
import { AwsError, SIGNATURE_ERROR_TYPES } from './aws-error.ts'
import { type EncryptionContext, type KmsKey, type KmsKeyRing, requireAllowed } from './kms-keys.ts'
import { type SigningKey, verifySignature } from './signature.ts'

/** KMS with symmetric keys, for the IAM user that `credentials` belong to. */
export function createKms(keys: KmsKeyRing, region: string, credentials: SigningKey): AwsApi {
  return {
    ...JSON_PROTOCOL,
    async accept(request) {
      const signature = await verifySignature(request, (accessKeyId) =>
        accessKeyId === credentials.accessKeyId ? { key: credentials, scope: { service: 'kms', region } } : undefined,
      )
      if (signature.status === 'refused') {
        throw new AwsError(SIGNATURE_ERROR_TYPES[signature.reason], signature.message)
      }
      return () => {
        const operation = OPERATIONS.get(request.operation)
        if (operation === undefined) throw new AwsError('UnknownOperationException')
        return JSON.stringify(operation(keys, parseInput(request.body)))
      }
    },
    faultError: (fault) =>
      fault.kind === 'rate-limit'
        ? new AwsError(
            'ThrottlingException',
            'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
          )
        : new AwsError(typeOfStatus(fault.status), fault.message ?? 'The request was refused.', fault.status),
  }
}

function typeOfStatus(status: number): string {
  if (status === 403) return 'AccessDeniedException'
  return status < 500 ? 'ValidationException' : 'KMSInternalException'
}

type Input = Readonly<Record<string, unknown>>
type Operation = (keys: KmsKeyRing, input: Input) => object

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html: those that the product uses. */
const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ['GenerateDataKey', generateDataKey],
  ['Encrypt', encrypt],
  ['Decrypt', decrypt],
  ['ReEncrypt', reEncrypt],
  ['DescribeKey', describeKey],
])

function generateDataKey(keys: KmsKeyRing, input: Input): object {
  const key = keys.usable(text(input, 'KeyId'), 'GenerateDataKey')
  const sizeBytes = input.KeySpec === undefined ? Number(input.NumberOfBytes) : KEY_BYTES[text(input, 'KeySpec')]
  if (sizeBytes === undefined || !(sizeBytes >= 1 && sizeBytes <= 1_024)) throw invalid('keySpec')
  const plaintext = randomBytes(sizeBytes)
  const blob = key.encrypt(plaintext, context(input, 'EncryptionContext'))
  return { CiphertextBlob: base64(blob), Plaintext: base64(plaintext), KeyId: key.arn }
}

function encrypt(keys: KmsKeyRing, input: Input): object {
  const key = keys.usable(text(input, 'KeyId'), 'Encrypt')
  const blob = key.encrypt(bytes(input, 'Plaintext', 4_096), context(input, 'EncryptionContext'))
  return { CiphertextBlob: base64(blob), KeyId: key.arn, EncryptionAlgorithm: ALGORITHM }
}

function decrypt(keys: KmsKeyRing, input: Input): object {
  const blob = bytes(input, 'CiphertextBlob', 6_144)
  const key = keyOfBlob(keys, blob, input.KeyId, 'Decrypt')
  const plaintext = key.decrypt(blob, context(input, 'EncryptionContext'))
  return { KeyId: key.arn, Plaintext: base64(plaintext), EncryptionAlgorithm: ALGORITHM }
}

function reEncrypt(keys: KmsKeyRing, input: Input): object {
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
}

function describeKey(keys: KmsKeyRing, input: Input): object {
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
}

/** Finds the key to decrypt with: the ciphertext names it, and a request that names another is refused. */
function keyOfBlob(keys: KmsKeyRing, blob: Buffer, requested: unknown, operation: string): KmsKey {
  const named = typeof requested === 'string' ? keys.usable(requested, operation) : undefined
  const own = keys.findByCiphertext(blob)
  if (named === undefined) return keys.usable(own.arn, operation)
  if (named === own) return named
  throw new AwsError(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  )
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
  if (typeof value !== 'object') throw new AwsError('SerializationException')
  const pairs = Object.entries(value).map(([key, member]): [string, string] => {
    if (typeof member !== 'string') throw new AwsError('SerializationException')
    return [key, member]
  })
  return Object.fromEntries(pairs)
}

function invalid(name: string): AwsError {
  const member = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  return new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint`,
  )
}

function base64(value: Uint8Array): string {
  return Buffer.from(value).toString('base64')
}

const ALGORITHM = 'SYMMETRIC_DEFAULT'
const KEY_BYTES: Readonly<Record<string, number>> = { AES_128: 16, AES_256: 32 }
