import { randomBytes } from 'node:crypto'
import { DecryptCommand } from '@aws-sdk/client-kms'
import { type AwsSimulator, type KmsKey, startAwsSimulator } from '@sluice/aws-simulator'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { credentialContext, EnvelopeError, sealingKeyContext } from '../src/keys/envelope.ts'
import { createEnvelopes } from '../src/keys/envelope-encryption.ts'
import { createKmsClient, createKmsKeyService, type KmsClientSettings } from '../src/keys/kms-key-service.ts'

const SECRET = Buffer.from('{"apiKey":"sk-canary-0123456789"}')
const owner = { connectionId: 'c-1', provider: 'openai', version: 2 }
const context = credentialContext(owner)

let kms: AwsSimulator
let key: KmsKey

beforeAll(async () => {
  kms = await startAwsSimulator()
})
afterAll(() => kms.stop())
beforeEach(() => {
  key = kms.addKey()
  kms.setAlias('alias/sluice', key)
})

function clientOf(over: Partial<KmsClientSettings> = {}) {
  return createKmsClient({
    AWS_REGION: kms.region,
    AWS_ACCESS_KEY_ID: kms.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: kms.credentials.secretAccessKey,
    KMS_ENDPOINT: kms.url,
    KMS_TIMEOUT_MS: 5_000,
    ...over,
  })
}

async function envelopesOf(keyIds: [string, ...string[]] = [key.arn], over: Partial<KmsClientSettings> = {}) {
  const timeoutMs = over.KMS_TIMEOUT_MS ?? 5_000
  return createEnvelopes([createKmsKeyService({ client: clientOf(over), keyIds, timeoutMs })])
}

it('decrypts what it encrypted, with one data key of KMS each', async () => {
  const before = [kms.requests.count('GenerateDataKey'), kms.requests.count('Decrypt')] as const
  const envelopes = await envelopesOf()
  const envelope = await envelopes.encrypt(SECRET, context)
  expect(envelope).toMatchObject({ v: 1, keyService: 'aws-kms', keyId: key.arn })
  expect(Buffer.from(await envelopes.decrypt(envelope, context))).toEqual(SECRET)
  expect([kms.requests.count('GenerateDataKey') - before[0], kms.requests.count('Decrypt') - before[1]]).toEqual([1, 1])
})

it('binds a data key to connection and version in KMS itself', async () => {
  const { wrappedKey } = await (await envelopesOf()).encrypt(SECRET, context)
  const CiphertextBlob = Buffer.from(wrappedKey, 'base64')
  const EncryptionContext = { connectionId: 'c-1', version: '2' }
  const opened = await clientOf().send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))
  expect(opened.Plaintext).toHaveLength(32)
})

it.each([() => 'alias/sluice', () => `${key.arn.split(':key/')[0]}:alias/sluice`, () => key.id])(
  'takes the key by another name, and stores its ARN: %#',
  async (name) => {
    const envelopes = await envelopesOf([name()])
    expect(await envelopes.wrappingKey()).toEqual({ keyService: 'aws-kms', keyId: key.arn })
    const envelope = await envelopes.encrypt(SECRET, context)
    expect(envelope.keyId).toBe(key.arn)
    const next = kms.addKey()
    kms.setAlias('alias/sluice', next)
    // What an earlier key of the account wrapped can still be decrypted.
    expect(Buffer.from(await envelopes.decrypt(envelope, context))).toEqual(SECRET)
  },
)

describe('does not decrypt', () => {
  it.each([
    ['a row moved to another connection', { ...owner, connectionId: 'c-2' }],
    ['a row moved to another provider', { ...owner, provider: 'groq' }],
    ['a row in the place of a later version', { ...owner, version: 3 }],
  ])('%s', async (_, other) => {
    const envelopes = await envelopesOf()
    const envelope = await envelopes.encrypt(SECRET, context)
    await expectFault(envelopes.decrypt(envelope, credentialContext(other)), 'not_authentic')
  })

  it('a data key that is altered, truncated or of another envelope', async () => {
    const envelopes = await envelopesOf()
    const [envelope, other] = [await envelopes.encrypt(SECRET, context), await envelopes.encrypt(SECRET, context)]
    const bytes = Buffer.from(envelope.wrappedKey, 'base64')
    for (const index of [0, 36, 50, 70, bytes.length - 1]) {
      const altered = Buffer.from(bytes.map((byte, at) => (at === index ? byte ^ 1 : byte))).toString('base64')
      await expectFault(envelopes.decrypt({ ...envelope, wrappedKey: altered }, context), 'not_authentic')
    }
    const cut = bytes.subarray(0, -1).toString('base64')
    await expectFault(envelopes.decrypt({ ...envelope, wrappedKey: cut }, context), 'not_authentic')
    await expectFault(envelopes.decrypt({ ...envelope, wrappedKey: '' }, context), 'malformed')
    await expectFault(envelopes.decrypt({ ...envelope, wrappedKey: other.wrappedKey }, context), 'not_authentic')
  })

  it('an envelope that names another key than the one that wrapped it, or a missing one', async () => {
    const envelopes = await envelopesOf()
    const envelope = await envelopes.encrypt(SECRET, context)
    await expectFault(envelopes.decrypt({ ...envelope, keyId: kms.addKey().arn }, context), 'not_authentic')
    const absent = `${key.arn.slice(0, -1)}${key.arn.endsWith('0') ? '1' : '0'}`
    await expectFault(envelopes.decrypt({ ...envelope, keyId: absent }, context), 'key_refused', 'does not exist')
  })

  it('a data key that a key of another account wrapped, and does not call that key', async () => {
    const before = kms.requests.count('Decrypt')
    const envelopes = await envelopesOf(['alias/sluice'])
    const envelope = await envelopes.encrypt(SECRET, context)
    for (const keyId of [key.arn.replace('000000000000', '999999999999'), key.id, 'alias/sluice', '']) {
      await expectFault(envelopes.decrypt({ ...envelope, keyId }, context), 'unknown_key')
    }
    expect(kms.requests.count('Decrypt')).toBe(before)
    const ofTwoAccounts = await envelopesOf(['arn:aws:kms:eu-central-1:999999999999:alias/next', key.arn])
    expect(Buffer.from(await ofTwoAccounts.decrypt(envelope, context))).toEqual(SECRET)
  })
})

describe('reports what is wrong with the key', () => {
  it.each([
    [{ state: 'Disabled' } as const, 'is disabled'],
    [{ state: 'PendingDeletion' } as const, 'pending deletion'],
    [{ isDenied: true }, 'may not be used by this service'],
  ])('%j', async (change, message) => {
    const envelopes = await envelopesOf()
    const envelope = await envelopes.encrypt(SECRET, context)
    Object.assign(key, change)
    const fault = await expectFault(envelopes.decrypt(envelope, context), 'key_refused', message)
    expect(fault.message).toContain(key.arn)
    await expectFault(envelopes.encrypt(SECRET, context), 'key_refused', message)
  })

  it('reports invalid AWS credentials', async () => {
    const envelopes = await envelopesOf([key.arn], { AWS_SECRET_ACCESS_KEY: 'another' })
    await expectFault(envelopes.encrypt(SECRET, context), 'key_refused', "this service's credentials")
  })
})

describe('while KMS', () => {
  it('throttles occasionally, operations succeed', async () => {
    const envelopes = await envelopesOf()
    kms.controls.add({ times: 2, fault: { kind: 'rate-limit' } })
    const envelope = await envelopes.encrypt(SECRET, context)
    expect(Buffer.from(await envelopes.decrypt(envelope, context))).toEqual(SECRET)
  })

  it('throttles continuously, it is called three times', async () => {
    const before = kms.requests.count('GenerateDataKey')
    kms.controls.add({ times: 100, fault: { kind: 'rate-limit' } })
    await expectFault((await envelopesOf()).encrypt(SECRET, context), 'key_unavailable', 'ThrottlingException')
    kms.controls.clear()
    expect(kms.requests.count('GenerateDataKey') - before).toBe(3)
  })

  it('does not respond, operations end within the time limit', async () => {
    const envelopes = await envelopesOf([key.arn], { KMS_TIMEOUT_MS: 600 })
    kms.controls.add({ latencyMs: 60_000 })
    const startedAtMs = performance.now()
    await expectFault(envelopes.encrypt(SECRET, context), 'key_unavailable')
    expect(performance.now() - startedAtMs).toBeLessThan(1_500)
    kms.controls.clear()
    await envelopes.encrypt(SECRET, context)
  })

  it('is down, operations say so, and they succeed once it is up', async () => {
    const envelopes = await envelopesOf()
    const envelope = await envelopes.encrypt(SECRET, context)
    await kms.takeDown()
    await expectFault(envelopes.decrypt(envelope, context), 'key_unavailable', key.arn)
    await kms.bringUp()
    expect(Buffer.from(await envelopes.decrypt(envelope, context))).toEqual(SECRET)
  })
})

it('wraps data keys of another key service, and rewraps its own without seeing them', async () => {
  const keyService = createKmsKeyService({ client: clientOf(), keyIds: [key.arn], timeoutMs: 5_000 })
  const dataKey = randomBytes(32)
  const bound = sealingKeyContext('public')
  const wrapped = await keyService.wrap(dataKey, bound)
  expect(Buffer.from(await keyService.unwrap(wrapped, bound))).toEqual(dataKey)
  const next = kms.addKey()
  const nextKeyService = createKmsKeyService({ client: clientOf(), keyIds: [next.arn], timeoutMs: 5_000 })
  const before = kms.requests.count('Decrypt')
  const rewrapped = await nextKeyService.rewrap(wrapped, bound)
  expect(kms.requests.count('Decrypt')).toBe(before)
  expect(rewrapped.keyId).toBe(next.arn)
  expect(Buffer.from(await keyService.unwrap(rewrapped, bound))).toEqual(dataKey)
  await expectFault(nextKeyService.rewrap(wrapped, context), 'not_authentic')
})

async function expectFault(
  work: Promise<unknown>,
  reason: EnvelopeError['reason'],
  message = '',
): Promise<EnvelopeError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(EnvelopeError)
  expect(error).toMatchObject({ reason, code: 'credential_unavailable', message: expect.stringContaining(message) })
  return error as EnvelopeError
}
