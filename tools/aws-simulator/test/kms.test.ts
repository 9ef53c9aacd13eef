import {
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  KMSClient,
  ReEncryptCommand,
} from '@aws-sdk/client-kms'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type AwsSimulator, startAwsSimulator } from '../src/aws-simulator.ts'
import type { KmsKey } from '../src/kms-keys.ts'

const context = { connectionId: 'c-1', version: '1' }

let kms: AwsSimulator
let key: KmsKey
let client: KMSClient

beforeAll(async () => {
  kms = await startAwsSimulator()
})
afterAll(() => kms.stop())
beforeEach(() => {
  key = kms.addKey()
  client = clientOf(kms)
})
afterEach(() => client.destroy())

function clientOf({ url, region, credentials }: Pick<AwsSimulator, 'url' | 'region' | 'credentials'>): KMSClient {
  return new KMSClient({ endpoint: url, region, credentials, maxAttempts: 1 })
}

async function generated() {
  const made = await client.send(
    new GenerateDataKeyCommand({ KeyId: key.arn, KeySpec: 'AES_256', EncryptionContext: context }),
  )
  return { ...made, CiphertextBlob: made.CiphertextBlob ?? new Uint8Array() }
}

it('makes data keys, and decrypts them only with their encryption context', async () => {
  const { CiphertextBlob, Plaintext, KeyId } = await generated()
  expect(KeyId).toBe(key.arn)
  expect(Plaintext).toHaveLength(32)
  const reordered = { version: '1', connectionId: 'c-1' }
  const opened = await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext: reordered }))
  expect(opened).toMatchObject({ KeyId: key.arn, Plaintext })
  for (const EncryptionContext of [undefined, {}, { ...context, version: '2' }, { ...context, more: 'x' }]) {
    const decrypt = new DecryptCommand({ CiphertextBlob, ...(EncryptionContext && { EncryptionContext }) })
    await expect(client.send(decrypt)).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
  }
})

it('refuses a ciphertext that is altered, truncated, or of another key', async () => {
  const { CiphertextBlob } = await generated()
  const decrypt = (blob: Uint8Array, KeyId?: string) =>
    client.send(
      new DecryptCommand({
        CiphertextBlob: blob,
        EncryptionContext: context,
        ...(KeyId === undefined ? {} : { KeyId }),
      }),
    )
  for (const index of [0, 40, CiphertextBlob.length - 1]) {
    const altered = Uint8Array.from(CiphertextBlob, (byte, at) => (at === index ? byte ^ 1 : byte))
    await expect(decrypt(altered)).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
  }
  for (const length of [1, 40, 50, CiphertextBlob.length - 1]) {
    const cut = CiphertextBlob.slice(0, length)
    await expect(decrypt(cut)).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
  }
  await expect(decrypt(new Uint8Array())).rejects.toMatchObject({ name: 'ValidationException' })
  await expect(decrypt(CiphertextBlob, kms.addKey().arn)).rejects.toMatchObject({ name: 'IncorrectKeyException' })
  await expect(decrypt(CiphertextBlob, 'alias/absent')).rejects.toMatchObject({ name: 'NotFoundException' })
})

it('moves a ciphertext to another key and context without showing its plaintext', async () => {
  const { CiphertextBlob, Plaintext } = await generated()
  const other = kms.addKey()
  const next = { ...context, version: '2' }
  const input = {
    CiphertextBlob,
    SourceEncryptionContext: context,
    DestinationKeyId: other.arn,
    DestinationEncryptionContext: next,
  }
  const moved = await client.send(new ReEncryptCommand(input))
  expect(moved).toMatchObject({ SourceKeyId: key.arn, KeyId: other.arn })
  expect(moved).not.toHaveProperty('Plaintext')
  const decrypt = new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: next })
  expect((await client.send(decrypt)).Plaintext).toEqual(Plaintext)
  const wrongSource = new ReEncryptCommand({ ...input, SourceEncryptionContext: next })
  await expect(client.send(wrongSource)).rejects.toMatchObject({ name: 'InvalidCiphertextException' })
})

it('finds keys by id, ARN and alias, and returns the ARN', async () => {
  kms.setAlias('alias/test', key)
  const prefix = key.arn.slice(0, key.arn.lastIndexOf(':'))
  for (const KeyId of [key.id, key.arn, 'alias/test', `${prefix}:alias/test`]) {
    expect((await client.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.Arn).toBe(key.arn)
    const encrypted = await client.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from('x') }))
    expect(encrypted.KeyId).toBe(key.arn)
  }
})

it.each([
  ['disabled', { state: 'Disabled' } as const, 'DisabledException'],
  ['pending deletion', { state: 'PendingDeletion' } as const, 'KMSInvalidStateException'],
  ['denied', { isDenied: true }, 'AccessDeniedException'],
])('refuses a key that is %s', async (_, change, name) => {
  const { CiphertextBlob } = await generated()
  Object.assign(key, change)
  const decrypt = new DecryptCommand({ CiphertextBlob, EncryptionContext: context })
  await expect(client.send(decrypt)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
  await expect(generated()).rejects.toMatchObject({ name })
})

it('accepts only requests that are signed with its own credentials', async () => {
  const { accessKeyId } = kms.credentials
  const describe = (over: Partial<AwsSimulator>) =>
    clientOf({ ...kms, ...over }).send(new DescribeKeyCommand({ KeyId: key.arn }))
  await expect(describe({ credentials: { accessKeyId, secretAccessKey: 'other' } })).rejects.toMatchObject({
    name: 'InvalidSignatureException',
  })
  await expect(describe({ credentials: { accessKeyId: 'AKIAOTHER', secretAccessKey: 'other' } })).rejects.toMatchObject(
    {
      name: 'UnrecognizedClientException',
    },
  )
  await expect(describe({ region: 'us-east-1' })).rejects.toMatchObject({ name: 'InvalidSignatureException' })
  const unsigned = await fetch(kms.url, { method: 'POST', headers: { 'x-amz-target': 'TrentService.DescribeKey' } })
  expect(unsigned.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
})

it('throttles when a control says so, and can be taken down and brought up again', async () => {
  const before = kms.requests.count('DescribeKey')
  const describe = () => client.send(new DescribeKeyCommand({ KeyId: key.arn }))
  kms.controls.add({ times: 1, fault: { kind: 'rate-limit' } })
  await expect(describe()).rejects.toMatchObject({ name: 'ThrottlingException' })
  await describe()
  await kms.takeDown()
  await expect(describe()).rejects.toMatchObject({ code: expect.stringMatching(/^ECONN/) })
  await kms.bringUp()
  await describe()
  expect(kms.requests.count('DescribeKey') - before).toBe(3)
})
