import { apiKeyProjection } from '@sluice/contracts'
import { type Bus, openBucket, type Watch } from '@sluice/messaging'
import { type ApiKey, prepareApiKey } from '../domain/api-key.ts'
import type { ApiKeys } from '../ports/api-keys.ts'

export interface WatchedApiKeys extends ApiKeys, Watch {}

/** Follows the API keys' projection; resolves when all that are there are known. */
export async function watchApiKeys(bus: Bus, onFault: (error: unknown) => void): Promise<WatchedApiKeys> {
  const byHash = new Map<string, ApiKey>()
  const bucket = await openBucket(bus, apiKeyProjection)
  const watch = await bucket.watch({
    onEntry: ({ key, value }) => {
      if (value === undefined) byHash.delete(key)
      else byHash.set(key, prepareApiKey(key, value))
    },
    onFault,
  })
  return { byHash: (hash) => byHash.get(hash), stop: watch.stop }
}
