import { DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { EnvelopeError } from './envelope.ts'

export interface TrustedKeys {
  /** The ARN of the key that wraps now. */
  wrappingKeyId(): Promise<string>
  /**
   * Resolves if the service may ask the key to unwrap. One of a foreign account it may not, whatever its permissions: whoever can
   * write to the database could name a key of their own there, and so put a credential of their own in a connection's place.
   * @throws EnvelopeError `unknown_key`
   */
  require(keyId: string): Promise<void>
}

type Call = <T>(keyId: string, ask: (options: { abortSignal: AbortSignal }) => Promise<T>) => Promise<T>

/** KMS is asked once for what the setting does not say itself: an ARN names its account, an alias does not. */
export function createTrustedKeys(client: KMSClient, keyIds: readonly [string, ...string[]], call: Call): TrustedKeys {
  const accounts = new Map<string, string>()
  const describe = async (keyId: string): Promise<string> => {
    const command = new DescribeKeyCommand({ KeyId: keyId })
    const { KeyMetadata } = await call(keyId, (options) => client.send(command, options))
    return KeyMetadata?.Arn ?? keyId
  }
  const accountOf = async (keyId: string): Promise<string | undefined> => {
    const known = accounts.get(keyId) ?? accountIn(keyId) ?? accountIn(await describe(keyId))
    if (known !== undefined) accounts.set(keyId, known)
    return known
  }
  return {
    wrappingKeyId: () => describe(keyIds[0]),
    require: async (keyId) => {
      const account = accountIn(keyId)
      for (const trusted of account === undefined ? [] : keyIds) {
        if ((await accountOf(trusted)) === account) return
      }
      throw new EnvelopeError('unknown_key', `its KMS key ${keyId} is of no account that KMS_KEY_ID names a key of`)
    },
  }
}

/** Partition, region and account of an ARN (`arn:aws:kms:eu-central-1:111122223333:key/…`). */
function accountIn(arn: string): string | undefined {
  return /^arn:[\w-]+:kms:[\w-]+:\d{12}(?=:(key|alias)\/)/.exec(arn)?.[0]
}
