import { ConfigError } from '@sluice/service-kit'
import { cacheDataKeys } from './data-key-cache.ts'
import type { KeyServiceId } from './envelope.ts'
import type { KeyService } from './key-service.ts'
import { createKmsClient, createKmsKeyService, type KmsClientSettings } from './kms-key-service.ts'
import { createLibsodiumKeyService } from './libsodium-key-service.ts'
import { loadMasterKeys, type MasterKeySettings } from './master-keys.ts'

export interface KeyServiceSettings extends MasterKeySettings, KmsClientSettings {
  readonly KEY_SERVICE: KeyServiceId
  readonly KMS_KEY_ID?: string
}

/**
 * Creates every configured key service: first the one that `KEY_SERVICE` names, which wraps; then the other, for data
 * keys that it wrapped earlier.
 * @throws MasterKeyError when master keys are malformed, or missing where they wrap; ConfigError when `KMS_KEY_ID` is missing
 */
export async function createKeyServices(settings: KeyServiceSettings): Promise<readonly [KeyService, ...KeyService[]]> {
  const { KEY_SERVICE, MASTER_KEY, MASTER_KEY_FILE, KMS_KEY_ID } = settings
  if (KEY_SERVICE === 'libsodium') {
    const wrapping = await libsodium(settings)
    return KMS_KEY_ID === undefined ? [wrapping] : [wrapping, awsKms(settings, KMS_KEY_ID)]
  }
  if (KMS_KEY_ID === undefined) throw new ConfigError('KMS_KEY_ID is required where KEY_SERVICE is aws-kms')
  const wrapping = awsKms(settings, KMS_KEY_ID)
  const hasMasterKeys = MASTER_KEY !== undefined || MASTER_KEY_FILE !== undefined
  return hasMasterKeys ? [wrapping, await libsodium(settings)] : [wrapping]
}

async function libsodium(settings: MasterKeySettings): Promise<KeyService> {
  return createLibsodiumKeyService(await loadMasterKeys(settings))
}

function awsKms(settings: KmsClientSettings, keyIds: string): KeyService {
  const [first, ...others] = keyIds.split(',').map((id) => id.trim())
  if (first === undefined || first === '') throw new ConfigError('KMS_KEY_ID is empty')
  const keyService = createKmsKeyService({
    client: createKmsClient(settings),
    keyIds: [first, ...others],
    timeoutMs: settings.KMS_TIMEOUT_MS,
  })
  return cacheDataKeys(keyService, CACHE)
}

/** Long enough for a deployment that restarts the gateways one after the other. */
const CACHE = { ttlMs: 5 * 60_000, failureTtlMs: 1_000, maxEntries: 1_000 }
