import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createKeyServices } from './key-services.ts'

const MASTER_KEY = randomBytes(32).toString('base64')
const KMS_KEY_ID = 'alias/sluice, alias/former'
const idsOf = async (settings: Partial<Parameters<typeof createKeyServices>[0]>) =>
  (await createKeyServices({ KEY_SERVICE: 'libsodium', KMS_TIMEOUT_MS: 100, ...settings })).map(({ id }) => id)

it('returns the wrapping key service first, then the other one if it is configured', async () => {
  expect(await idsOf({ MASTER_KEY })).toEqual(['libsodium'])
  expect(await idsOf({ MASTER_KEY, KMS_KEY_ID })).toEqual(['libsodium', 'aws-kms'])
  expect(await idsOf({ KEY_SERVICE: 'aws-kms', KMS_KEY_ID })).toEqual(['aws-kms'])
  expect(await idsOf({ KEY_SERVICE: 'aws-kms', KMS_KEY_ID, MASTER_KEY })).toEqual(['aws-kms', 'libsodium'])
})

it('says which setting is missing', async () => {
  await expect(idsOf({ KMS_KEY_ID })).rejects.toThrow('MASTER_KEY')
  await expect(idsOf({ KEY_SERVICE: 'aws-kms', MASTER_KEY })).rejects.toThrow('KMS_KEY_ID is required')
})
