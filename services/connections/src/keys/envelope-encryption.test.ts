import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { credentialContext, type Envelope, EnvelopeError } from './envelope.ts'
import { createEnvelopes } from './envelope-encryption.ts'
import { createLibsodiumKeyService } from './libsodium-key-service.ts'
import { type MasterKey, parseMasterKeys } from './master-keys.ts'

const SECRET = Buffer.from('{"apiKey":"sk-canary-0123456789"}')
const owner = { connectionId: 'c-1', provider: 'openai', version: 2 }
const context = credentialContext(owner)

const [current] = masterKeys(1)

it('decrypts what it encrypted, and the envelope reveals none of it', async () => {
  const envelopes = await envelopesUnder(current)
  const envelope = await envelopes.encrypt(SECRET, context)
  expect(JSON.stringify(envelope)).not.toContain('canary')
  expect(Buffer.from(envelope.ciphertext, 'base64').includes('canary')).toBe(false)
  expect(Buffer.from(await envelopes.decrypt(envelope, context))).toEqual(SECRET)
})

it('uses a fresh data key and nonce for each envelope', async () => {
  const envelopes = await envelopesUnder(current)
  const [a, b] = [await envelopes.encrypt(SECRET, context), await envelopes.encrypt(SECRET, context)]
  for (const field of ['wrappedKey', 'nonce', 'ciphertext'] as const) expect(a[field]).not.toBe(b[field])
})

describe('does not decrypt', () => {
  it.each(['wrappedKey', 'nonce', 'ciphertext'] as const)(
    'an envelope with any bit of its %s flipped',
    async (field) => {
      const envelopes = await envelopesUnder(current)
      const envelope = await envelopes.encrypt(SECRET, context)
      const bits = Buffer.from(envelope[field], 'base64').length * 8
      for (let bit = 0; bit < bits; bit++) {
        await expectRefused(
          envelopes.decrypt({ ...envelope, [field]: flipped(envelope[field], bit) }, context),
          'not_authentic',
        )
      }
    },
  )

  it.each(['wrappedKey', 'nonce', 'ciphertext'] as const)('an envelope whose %s is cut short', async (field) => {
    const envelopes = await envelopesUnder(current)
    const envelope = await envelopes.encrypt(SECRET, context)
    for (const length of [0, 4, envelope[field].length - 4]) {
      const cut = { ...envelope, [field]: envelope[field].slice(0, length) }
      await expectRefused(envelopes.decrypt(cut, context), 'not_authentic')
    }
  })

  it.each([
    ['moved to another connection', { ...owner, connectionId: 'c-2' }],
    ['moved to another provider', { ...owner, provider: 'groq' }],
    ['in the place of a later version', { ...owner, version: 3 }],
  ])('a row %s', async (_, other) => {
    const envelopes = await envelopesUnder(current)
    const envelope = await envelopes.encrypt(SECRET, context)
    await expectRefused(envelopes.decrypt(envelope, credentialContext(other)), 'not_authentic')
  })

  it('an envelope with the data key of another', async () => {
    const envelopes = await envelopesUnder(current)
    const [a, b] = [await envelopes.encrypt(SECRET, context), await envelopes.encrypt(SECRET, context)]
    await expectRefused(envelopes.decrypt({ ...a, wrappedKey: b.wrappedKey }, context), 'not_authentic')
  })

  it('under another master key, whatever key id it says', async () => {
    const envelope = await (await envelopesUnder(current)).encrypt(SECRET, context)
    const [other] = masterKeys(1)
    await expectRefused((await envelopesUnder(other)).decrypt(envelope, context), 'unknown_key')
    const disguised = await envelopesUnder({ ...other, keyId: current.keyId })
    await expectRefused(disguised.decrypt(envelope, context), 'not_authentic')
  })

  it('a value that is not an envelope, or one of an unconfigured key service', async () => {
    const envelopes = await envelopesUnder(current)
    const envelope = await envelopes.encrypt(SECRET, context)
    for (const stored of [undefined, null, 'x', {}, { ...envelope, v: 2 }, { ...envelope, nonce: 7 }]) {
      await expectRefused(envelopes.decrypt(stored, context), 'malformed')
    }
    await expectRefused(envelopes.decrypt({ ...envelope, keyService: 'aws-kms' }, context), 'unknown_key')
  })
})

it('wraps under the first master key and unwraps under all', async () => {
  const [old, next] = masterKeys(2)
  const envelope = await (await envelopesUnder(old)).encrypt(SECRET, context)
  const both = await envelopesUnder(next, old)
  expect(Buffer.from(await both.decrypt(envelope, context))).toEqual(SECRET)
  expect((await both.encrypt(SECRET, context)).keyId).toBe(next.keyId)
  expect(envelope.keyId).toBe(old.keyId)
})

function masterKeys(count: number): [MasterKey, MasterKey] {
  const [first, second = first] = parseMasterKeys(
    Array.from({ length: count }, () => randomBytes(32).toString('base64')).join('\n'),
  )
  return [first, second]
}

async function envelopesUnder(...keys: [MasterKey, ...MasterKey[]]) {
  return createEnvelopes([await createLibsodiumKeyService(keys)])
}

function flipped(base64: string, bit: number): string {
  const bytes = Buffer.from(base64, 'base64')
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return bytes.toString('base64')
}

async function expectRefused(opening: Promise<Uint8Array>, reason: EnvelopeError['reason']): Promise<void> {
  const error = await opening.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(EnvelopeError)
  expect((error as EnvelopeError).reason).toBe(reason)
  expect((error as EnvelopeError).code).toBe('credential_unavailable')
  expect(String(error)).not.toContain('canary')
}

/** The shape that is stored, fixed: what was once stored must stay readable. */
it('decrypts an envelope of an earlier release', async () => {
  const [key] = parseMasterKeys(Buffer.alloc(32, 7).toString('base64'))
  const stored: Envelope = JSON.parse(STORED)
  expect(Buffer.from(await (await envelopesUnder(key)).decrypt(stored, context)).toString()).toBe('{"apiKey":"sk-old"}')
})

const STORED =
  '{"v":1,"keyService":"libsodium","keyId":"mk-835c4c720c32e4a0","wrappedKey":"SZm38YucDj+XXFRHr1F3LTtPCx76L+qXPLaXHPfNMsbhmP0PuplUd9MxvEuP7hcduNJoiqLdwclONSY04RXrCTKp68SdubzW","nonce":"9Y6J9hc6TSz50K39yStHPvVTVLsnU2Eq","ciphertext":"U1GGjpTsDUYME4Ip7mTxLWa4e5UTinHXAEEtELMOJ9MmBp4="}'
