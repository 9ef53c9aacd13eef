import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import {
  apiKeyProjection,
  CONNECTION_DEFAULTS,
  connectionProjection,
  credential,
  type ProjectedApiKey,
  type ProjectedConnection,
  type ResponseBatch,
  type ResponseEvent,
  responses,
  SluiceError,
  subjectPattern,
} from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket, serve } from '@sluice/messaging'
import { createAccessToken, hashAccessToken, readConfig } from '@sluice/service-kit'
import sodium from 'libsodium-wrappers'
import { pino } from 'pino'
import { GatewayConfig } from '../../src/config.ts'
import { type GatewayService, start } from '../../src/server.ts'

export interface TestGatewayOptions {
  readonly natsUrl: string
  readonly env?: Readonly<Record<string, string>>
}

/** A running gateway, and the rest of Sluice as far as it appears on the bus. */
export interface TestGateway {
  readonly url: string
  readonly service: GatewayService
  readonly bus: Bus
  readonly connections: Bucket<ProjectedConnection>
  readonly apiKeys: Bucket<ProjectedApiKey>
  /** The secret fields to return for a credential request, by connection id. */
  readonly credentials: Map<string, SecretFields | Promise<SecretFields>>
  readonly credentialRequests: readonly { readonly connectionId: string; readonly version: number }[]
  /** Every event published so far, with its connection. */
  readonly events: readonly (ResponseEvent & { readonly connectionId: string })[]
  /** Everything logged so far, at every level. */
  logs(): string
  /** Puts a connection to `baseUrl` into the projection; resolves with its SDK base URL and settings. */
  connection(settings: ConnectionToMake): Promise<{ readonly baseURL: string; readonly settings: ProjectedConnection }>
  /** Puts an API key into the projection, by default for every connection; resolves with the key. */
  apiKey(settings?: Partial<ProjectedApiKey>): Promise<string>
  stop(): Promise<void>
}

type SecretFields = Readonly<Record<string, string>>

export type ConnectionToMake = Partial<ProjectedConnection> & {
  readonly baseUrl: string
  /** The provider's key; null makes a connection without an available credential. */
  readonly apiKey?: string | null
}

/** Starts the whole service in this process, on a free port, allowed to reach upstreams on loopback. */
export async function startGateway({ natsUrl, env = {} }: TestGatewayOptions): Promise<TestGateway> {
  const bus = await connectBus({ servers: natsUrl, name: 'test' })
  const connections = await openBucket(bus, connectionProjection)
  const apiKeys = await openBucket(bus, apiKeyProjection)
  const credentials: TestGateway['credentials'] = new Map()
  const credentialRequests: { connectionId: string; version: number }[] = []
  const responder = await serveCredentials(bus, credentials, credentialRequests)
  const events: TestGateway['events'][number][] = []
  const subscription = bus.connection.subscribe(subjectPattern(responses.subject), {
    callback: (_error, message) => {
      const batch = message.json<ResponseBatch>()
      events.push(...batch.events.map((event) => ({ ...event, connectionId: batch.connectionId })))
    },
  })
  await bus.connection.flush()
  const log: string[] = []
  const service = await start(
    readConfig(GatewayConfig, { NATS_URL: natsUrl, GATEWAY_PORT: '0', ALLOW_INSECURE_UPSTREAM: 'true', ...env }),
    pino({ level: 'trace' }, writableTo(log)),
  )
  return {
    url: service.url,
    service,
    bus,
    connections,
    apiKeys,
    credentials,
    credentialRequests,
    events,
    logs: () => log.join(''),
    connection: async ({ baseUrl, apiKey = 'sk-upstream', ...given }) => {
      const id = given.id ?? randomUUID()
      if (apiKey !== null) credentials.set(id, { apiKey })
      const settings: ProjectedConnection = { ...DEFAULTS, name: `c-${id}`, config: { baseUrl }, ...given, id }
      await connections.put(id, settings)
      return { baseURL: `${service.url}/connections/${settings.name}/v1`, settings }
    },
    apiKey: async (given = {}) => {
      const key = createAccessToken('slc')
      await apiKeys.put(hashAccessToken(key), { id: randomUUID(), name: 'test', connections: '*', ...given })
      return key
    },
    stop: async () => {
      await service.stop()
      subscription.unsubscribe()
      await responder.stop()
      await bus.close()
    },
  }
}

const DEFAULTS: Omit<ProjectedConnection, 'id' | 'name' | 'config'> = {
  provider: 'openai',
  credentialVersion: 1,
  ...CONNECTION_DEFAULTS,
  version: 1,
}

async function serveCredentials(
  bus: Bus,
  credentials: TestGateway['credentials'],
  requests: { connectionId: string; version: number }[],
) {
  await sodium.ready
  return serve(
    bus,
    credential,
    async ({ connectionId, version, publicKey }) => {
      requests.push({ connectionId, version })
      const fields = await credentials.get(connectionId)
      if (fields === undefined) throw new SluiceError('not_found', 'no such credential')
      const sealed = sodium.crypto_box_seal(JSON.stringify(fields), Buffer.from(publicKey, 'base64'))
      return { connectionId, version, sealed: Buffer.from(sealed).toString('base64') }
    },
    {
      onFault: (error) => {
        throw error
      },
    },
  )
}

function writableTo(lines: string[]): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
}
