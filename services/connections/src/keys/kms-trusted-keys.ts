import { DescribeKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { EnvelopeError } from './envelope.ts'

type Call = <T>(keyId: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>) => Promise<T>

/**
 * Knows which KMS keys may unwrap: those of the accounts (and regions) of the configured keys. Whoever can write to
 * the database could otherwise name a key of an account of their own there, and so replace a connection's credential
 * with theirs.
 *
 * An ARN contains its account; for an alias KMS is called once.
 */
export function createTrustedKeys(client: KMSClient, keyIds: readonly [string, ...string[]], call: Call) {
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
    /** Returns the ARN of the key that wraps now. */
    wrappingKeyId: (): Promise<string> => describe(keyIds[0]),

    /** @throws EnvelopeError `unknown_key` when the key is of another account or region */
    require: async (keyId: string): Promise<void> => {
      const account = accountIn(keyId)
      for (const trusted of account === undefined ? [] : keyIds) {
        if ((await accountOf(trusted)) === account) return
      }
      throw new EnvelopeError('unknown_key', `its KMS key ${keyId} is in no account that a key of KMS_KEY_ID is in`)
    },
  }
}

/** Returns partition, region and account of an ARN (`arn:aws:kms:eu-central-1:111122223333:key/…`). */
function accountIn(arn: string): string | undefined {
  return /^arn:[\w-]+:kms:[\w-]+:\d{12}(?=:(key|alias)\/)/.exec(arn)?.[0]
}
