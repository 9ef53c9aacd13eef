import {
  apiKeyProjection,
  CONNECTION_DEFAULTS,
  connectionProjection,
  credential,
  type ProjectedConnection,
} from '@sluice/contracts'
import { type Bus, openBucket, type Served, serve } from '@sluice/messaging'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { createSealedBoxes } from '../../services/connections/src/keys/sealed-boxes.ts'

/** A connection of a benchmark, to OpenAI by default; its name is its id. */
export type BenchmarkConnection = Pick<ProjectedConnection, 'name' | 'capacity'> &
  Partial<Pick<ProjectedConnection, 'provider' | 'allowedModels' | 'onCapacityUnavailable'>> & {
    readonly upstreamBaseUrl: string
    readonly upstreamKey: string
  }

/**
 * Publishes these connections, and an API key for all of them, in place of the connections service, which is not needed
 * per request. Returns the API key.
 */
export async function putProjections(bus: Bus, connections: readonly BenchmarkConnection[]): Promise<string> {
  const bucket = await openBucket(bus, connectionProjection)
  for (const { name, upstreamBaseUrl, upstreamKey: _, ...settings } of connections) {
    await bucket.put(name, {
      id: name,
      name,
      provider: 'openai',
      config: { baseUrl: upstreamBaseUrl },
      credentialVersion: 1,
      ...CONNECTION_DEFAULTS,
      ...settings,
      version: 1,
    })
  }
  return putApiKey(bus, 'benchmark')
}

/** Publishes an API key for all connections and returns it. */
export async function putApiKey(bus: Bus, id: string): Promise<string> {
  const apiKeys = await openBucket(bus, apiKeyProjection)
  const apiKey = createAccessToken('slc')
  await apiKeys.put(hashAccessToken(apiKey), { id, name: id, connections: '*' })
  return apiKey
}

/** Serves the sealed credentials of these connections to gateways, in place of the connections service. */
export async function serveCredentials(bus: Bus, connections: readonly BenchmarkConnection[]): Promise<Served> {
  const boxes = await createSealedBoxes()
  const keys = new Map(connections.map(({ name, upstreamKey }) => [name, upstreamKey]))
  return serve(
    bus,
    credential,
    ({ connectionId, version, publicKey }) => {
      const fields = Buffer.from(JSON.stringify({ apiKey: keys.get(connectionId) }))
      const sealed = boxes.seal(fields, publicKey)
      if (sealed === undefined) throw new Error('the gateway sent no public key')
      return { connectionId, version, sealed }
    },
    { onFault: (error) => console.error(error) },
  )
}
