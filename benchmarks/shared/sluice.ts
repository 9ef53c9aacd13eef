import type { ChildProcess } from 'node:child_process'
import {
  apiKeyProjection,
  type CapacityLimit,
  CONNECTION_DEFAULTS,
  connectionProjection,
  credential,
  type ProjectedConnection,
} from '@sluice/contracts'
import { freePort, gatewayKnows, until } from '@sluice/local'
import { type Bus, connectBus, openBucket, type Served, serve } from '@sluice/messaging'
import { createAccessToken, hashAccessToken } from '@sluice/service-kit'
import { createSealedBoxes } from '../../services/connections/src/adapters/libsodium/sealed-boxes.ts'
import { startServiceProcess, stopProcess } from './service-process.ts'
import { createStarted } from './started.ts'

export interface SluiceOptions {
  readonly natsUrl: string
  /** The provider's, of an OpenAI connection. */
  readonly upstreamBaseUrl: string
  readonly upstreamKey: string
  readonly capacity: readonly CapacityLimit[]
  readonly gatewaySettings?: Readonly<Record<string, string>>
  readonly gatewayNodeOptions?: readonly string[]
}

/** A gateway and a capacity instance, each its own process, with one connection. */
export interface Sluice {
  readonly bus: Bus
  readonly connectionId: string
  readonly gateway: ChildProcess
  readonly gatewayUrl: string
  readonly chatUrl: string
  readonly apiKey: string
  stop(): Promise<void>
}

/**
 * Starts what every request passes. The benchmark itself puts the projections on the bus and seals the credential, as the
 * connections service would: it has no part in a request.
 */
export async function startSluice(options: SluiceOptions): Promise<Sluice> {
  const started = createStarted()
  try {
    const bus = await connectBus({ servers: options.natsUrl, name: 'benchmark' })
    await started.add(Promise.resolve({ stop: () => bus.close() }))
    const apiKey = await putProjections(bus, options)
    await started.add(answerCredentialRequests(bus, options.upstreamKey))
    await started.add(stoppable(startServiceProcess('capacity', { NATS_URL: options.natsUrl })))
    const port = await freePort()
    const settings = {
      NATS_URL: options.natsUrl,
      GATEWAY_PORT: String(port),
      ALLOW_INSECURE_UPSTREAM: 'true',
      ...options.gatewaySettings,
    }
    const { child } = await started.add(stoppable(startServiceProcess('gateway', settings, options.gatewayNodeOptions)))
    const gatewayUrl = `http://127.0.0.1:${port}`
    await until('the connection', () => gatewayKnows(gatewayUrl, CONNECTION, apiKey), Boolean)
    return {
      bus,
      connectionId: CONNECTION,
      gateway: child,
      gatewayUrl,
      chatUrl: `${gatewayUrl}/connections/${CONNECTION}/v1/chat/completions`,
      apiKey,
      stop: started.stop,
    }
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** The connection's name and id. */
const CONNECTION = 'benchmark'

/** Gives the key to call the gateway with. */
async function putProjections(bus: Bus, { upstreamBaseUrl, capacity }: SluiceOptions): Promise<string> {
  const connection: ProjectedConnection = {
    id: CONNECTION,
    name: CONNECTION,
    provider: 'openai',
    config: { baseUrl: upstreamBaseUrl },
    credentialVersion: 1,
    ...CONNECTION_DEFAULTS,
    capacity: [...capacity],
    version: 1,
  }
  const connections = await openBucket(bus, connectionProjection)
  await connections.put(CONNECTION, connection)
  const apiKeys = await openBucket(bus, apiKeyProjection)
  const apiKey = createAccessToken('slc')
  await apiKeys.put(hashAccessToken(apiKey), { id: CONNECTION, name: CONNECTION, connections: '*' })
  return apiKey
}

async function answerCredentialRequests(bus: Bus, apiKey: string): Promise<Served> {
  const boxes = await createSealedBoxes()
  const fields = Buffer.from(JSON.stringify({ apiKey }))
  return serve(
    bus,
    credential,
    ({ connectionId, version, publicKey }) => {
      const sealed = boxes.seal(fields, publicKey)
      if (sealed === undefined) throw new Error('the gateway sent no public key')
      return { connectionId, version, sealed }
    },
    { onFault: (error) => console.error(error) },
  )
}

async function stoppable(starting: Promise<ChildProcess>): Promise<{ child: ChildProcess; stop(): Promise<void> }> {
  const child = await starting
  return { child, stop: () => stopProcess(child) }
}
