import type { ProviderId } from '@sluice/contracts'
import { freshConnection } from './fresh-connection.ts'
import { startDataPath } from './start-data-path.ts'
import type { UnifiedPath } from './unified-client.ts'

/** The path to a provider whose connections hold a key. */
export async function startUnifiedPath(provider: Exclude<ProviderId, 'aws-bedrock'>): Promise<UnifiedPath> {
  const path = await startDataPath({ simulator: { provider, recordContent: true } })
  return {
    ...path,
    connect: (settings = {}) =>
      freshConnection(path.gateway, path.apiKey, { provider, baseUrl: path.simulator.url, ...settings }),
  }
}
