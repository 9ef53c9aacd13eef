import { apiKeyProjection } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import { type ApiKey, prepareApiKey } from '../domain/api-key.ts'
import type { ApiKeys } from '../ports/api-keys.ts'
import { type VerifiedWatch, type VerifiedWatchOptions, verifiedWatch } from './verified-watch.ts'

export interface WatchedApiKeys extends ApiKeys, VerifiedWatch {}

/** Follows the API keys' projection; resolves when all that are there are known. */
export async function watchApiKeys(
  bus: Bus,
  options: Pick<VerifiedWatchOptions<unknown>, 'maxAgeMs' | 'logger' | 'onFault'>,
): Promise<WatchedApiKeys> {
  const byHash = new Map<string, ApiKey>()
  const watch = await verifiedWatch(bus, await openBucket(bus, apiKeyProjection), {
    ...options,
    what: 'API keys',
    onEntry: ({ key, value }) => {
      if (value === undefined) byHash.delete(key)
      else byHash.set(key, prepareApiKey(key, value))
    },
  })
  return { byHash: (hash) => byHash.get(hash), ...watch }
}
