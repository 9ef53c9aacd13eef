import {
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type AwsCredentialSettings, awsCredentialsIn } from '../aws-credentials.ts'
import { type EnvelopeContext, EnvelopeError } from './envelope.ts'
import type { KeyService } from './key-service.ts'
import { toKmsEnvelopeError } from './kms-fault.ts'
import { createTrustedKeys } from './kms-trusted-keys.ts'

export interface KmsKeyServiceOptions {
  /** Does the retries. */
  readonly client: KMSClient
  /** Keys and aliases, by ARN, id or name: the first wraps, and the keys of all their accounts unwrap. */
  readonly keyIds: readonly [string, ...string[]]
  /** How long one operation may take including its retries, in milliseconds. */
  readonly timeoutMs: number
}

/** Wraps data keys under keys of AWS KMS, which they never leave. Every operation is a call to KMS. */
export function createKmsKeyService({ client, keyIds, timeoutMs }: KmsKeyServiceOptions): KeyService {
  const [wrappingId] = keyIds
  const call = async <T>(keyId: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> => {
    try {
      return await send({ abortSignal: AbortSignal.timeout(timeoutMs) })
    } catch (error) {
      throw toKmsEnvelopeError(error, keyId)
    }
  }
  const trusted = createTrustedKeys(client, keyIds, call)

  return {
    id: 'aws-kms',
    wrappingKeyId: trusted.wrappingKeyId,
    generateDataKey: async (context) => {
      const command = new GenerateDataKeyCommand({
        KeyId: wrappingId,
        KeySpec: 'AES_256',
        EncryptionContext: encryptionContext(context),
      })
      const { Plaintext, ...wrapped } = await call(wrappingId, (options) => client.send(command, options))
      return { dataKey: dataKeyOf(Plaintext), ...wrappedOf(wrapped) }
    },
    wrap: async (dataKey, context) => {
      const command = new EncryptCommand({
        KeyId: wrappingId,
        Plaintext: dataKey,
        EncryptionContext: encryptionContext(context),
      })
      return wrappedOf(await call(wrappingId, (options) => client.send(command, options)))
    },
    unwrap: async ({ keyId, wrappedKey }, context) => {
      await trusted.require(keyId)
      const command = new DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: Buffer.from(wrappedKey, 'base64'),
        EncryptionContext: encryptionContext(context),
      })
      const { Plaintext } = await call(keyId, (options) => client.send(command, options))
      return dataKeyOf(Plaintext)
    },
    rewrap: async ({ keyId, wrappedKey }, context) => {
      await trusted.require(keyId)
      const command = new ReEncryptCommand({
        SourceKeyId: keyId,
        CiphertextBlob: Buffer.from(wrappedKey, 'base64'),
        SourceEncryptionContext: encryptionContext(context),
        DestinationKeyId: wrappingId,
        DestinationEncryptionContext: encryptionContext(context),
      })
      return wrappedOf(await call(keyId, (options) => client.send(command, options)))
    },
  }
}

export interface KmsClientSettings extends AwsCredentialSettings {
  readonly AWS_REGION?: string
  readonly KMS_ENDPOINT?: string
  readonly KMS_TIMEOUT_MS: number
}

/**
 * Creates the SDK's client with three attempts, each limited to a third of the time. Absent settings are found by the
 * SDK's default chain (profile, container, instance).
 */
export function createKmsClient(settings: KmsClientSettings): KMSClient {
  const { AWS_REGION: region, KMS_ENDPOINT: endpoint } = settings
  const credentials = awsCredentialsIn(settings)
  const attemptMs = Math.ceil(settings.KMS_TIMEOUT_MS / MAX_ATTEMPTS)
  return new KMSClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryMode: 'standard',
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: attemptMs,
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
    }),
  })
}

/**
 * Returns what KMS binds a wrapped data key to: connection id and version for a credential, the whole context for
 * anything else. The provider is bound by the credential's own additional data. CloudTrail records this context, so it
 * never contains a secret.
 */
export function encryptionContext(context: EnvelopeContext): Record<string, string> {
  const { connectionId, version } = context
  return connectionId === undefined || version === undefined ? { ...context } : { connectionId, version }
}

function dataKeyOf(plaintext: Uint8Array | undefined): Uint8Array {
  if (plaintext?.length === DATA_KEY_BYTES) return plaintext
  throw new EnvelopeError('not_authentic', `KMS did not return a data key of ${DATA_KEY_BYTES} bytes`)
}

function wrappedOf({ KeyId, CiphertextBlob }: { KeyId?: string | undefined; CiphertextBlob?: Uint8Array | undefined }) {
  if (KeyId !== undefined && CiphertextBlob !== undefined) {
    return { keyId: KeyId, wrappedKey: Buffer.from(CiphertextBlob).toString('base64') }
  }
  throw new EnvelopeError('key_unavailable', 'the response of the KMS endpoint has no key id or no ciphertext')
}

const DATA_KEY_BYTES = 32
const MAX_ATTEMPTS = 3
