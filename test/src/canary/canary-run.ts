import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectionView } from '@sluice/contracts'
import { until } from '@sluice/local'
import { ensureNatsPasswords } from '@sluice/local-servers'
import { connect, type NatsConnection } from 'nats'
import { type System, startSystem } from '../start-system.ts'
import { Canaries } from './canaries.ts'
import { type EchoingProvider, startEchoingProvider } from './echoing-provider.ts'
import {
  databaseText,
  HttpRecord,
  NatsRecord,
  type RecordedRequest,
  type RecordedResponse,
  storedMessages,
  writtenFiles,
} from './records.ts'
import { KEYED_PROVIDERS, type SimulatedProviders, startSimulatedProviders } from './simulated-providers.ts'

/**
 * A whole system at its most verbose log level, with a secret in every place, and a record of everything that is
 * written.
 */
export interface CanaryRun {
  readonly system: System
  readonly canaries: Canaries
  readonly providers: SimulatedProviders
  readonly echoing: EchoingProvider
  readonly nats: NatsConnection
  readonly natsRecord: NatsRecord
  /** The name of a connection, which is no secret: it must be found in every place that is searched. */
  readonly marker: string
  /** Calls the admin API, as the operator unless `headers` are given; `path` is below `/api/v1`. */
  admin(path: string, request?: RecordedRequest): Promise<RecordedResponse>
  gateway(path: string, request?: RecordedRequest): Promise<RecordedResponse>
  /** Creates a connection; resolves when the gateway knows it. */
  connect(connection: Readonly<Record<string, unknown>>): Promise<ConnectionView>
  /** Returns everything that was written, by place. */
  written(): Promise<Readonly<Record<string, Buffer>>>
  stop(): Promise<void>
}

export async function startCanaryRun(): Promise<CanaryRun> {
  const canaries = new Canaries()
  const providers = await startSimulatedProviders(canaries)
  const echoing = await startEchoingProvider(canaries.make('model output', 'Confidentially, '))
  const system = await startSystem({ logLevel: 'trace', extra: environment(canaries, providers) })
  const { paths, adminUrl, natsUrl, gatewayUrls } = system.stack
  await addOwnSecrets(system, canaries)
  const { operator } = await ensureNatsPasswords(paths.natsPasswordsFile)
  const nats = await connect({ servers: natsUrl, user: 'operator', pass: operator })
  const natsRecord = new NatsRecord(nats)
  await nats.flush()
  const http = new HttpRecord()
  const [gatewayUrl = ''] = gatewayUrls

  const admin: CanaryRun['admin'] = (path, { headers, ...request } = {}) => {
    const asOperator = { authorization: `Bearer ${canaries.get('operator token')}` }
    return http.send(`${adminUrl}/api/v1${path}`, { ...request, headers: headers ?? asOperator })
  }
  const created = await admin('/api-keys', {
    body: { name: 'application', connections: '*' },
    shown: ({ text }) => JSON.parse(text).key,
  })
  const apiKey = canaries.add('API key', JSON.parse(created.text).key)

  return {
    system,
    canaries,
    providers,
    echoing,
    nats,
    natsRecord,
    marker: `marker-${randomBytes(24).toString('hex')}`,
    admin,
    gateway: (path, request) => http.send(`${gatewayUrl}${path}`, request),
    connect: async (connection) => {
      const response = await admin('/connections', { body: connection })
      if (response.status !== 201) throw new Error(`${connection.name}: ${response.text}`)
      const made: ConnectionView = JSON.parse(response.text)
      await until(`news of ${made.name}`, () => isKnown(gatewayUrl, made.name, apiKey), Boolean)
      return made
    },
    written: async () => ({
      'the HTTP responses': Buffer.from(http.text),
      'the traffic on NATS': Buffer.from(natsRecord.text),
      'the messages and buckets of NATS': Buffer.from(await storedMessages(nats)),
      'the database': Buffer.from(await databaseText(system.stack.databaseUrls)),
      'the logs': Buffer.from(system.logs()),
      'the files': await writtenFiles(paths.dataDir, [
        paths.masterKeyFile,
        paths.natsPasswordsFile,
        paths.postgresPasswordsFile,
        paths.environmentDir,
        paths.operatorTokenFile,
        join(paths.postgresDir, 'password'),
      ]),
    }),
    stop: async () => {
      await nats.close()
      await system.stop()
      await Promise.all([providers.stop(), echoing.stop()])
    },
  }
}

/** Returns true if the gateway knows a connection: then only the path of this request is wrong. */
async function isKnown(gatewayUrl: string, connectionName: string, apiKey: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const response = await fetch(`${gatewayUrl}/connections/${connectionName}/no-such-path`, { headers })
  return (await response.text()).includes('has no operation')
}

/** Returns small limits, so that they are reached, and an AWS identity. */
function environment(canaries: Canaries, providers: SimulatedProviders) {
  const aws = {
    AWS_ACCESS_KEY_ID: 'AKIACANARY',
    AWS_SECRET_ACCESS_KEY: canaries.make('secret of AWS', ''),
    STS_ENDPOINT: providers.aws.url,
  }
  return { connections: aws, gateway: { ...aws, MAX_BODY_BYTES: String(64 * 1024) } }
}

/** Adds the secrets that the system creates itself. */
async function addOwnSecrets({ stack }: System, canaries: Canaries): Promise<void> {
  canaries.add('operator token', stack.operatorToken ?? '')
  canaries.add('PostgreSQL password', await readFile(join(stack.paths.postgresDir, 'password'), 'utf8'))
  for (const [service, url] of Object.entries(stack.databaseUrls)) {
    canaries.add(`PostgreSQL password of ${service}`, new URL(url).password)
  }
  canaries.add('master key', (await readFile(stack.paths.masterKeyFile, 'utf8')).trim())
  for (const [user, password] of Object.entries(await ensureNatsPasswords(stack.paths.natsPasswordsFile))) {
    canaries.add(`NATS password of ${user}`, password)
  }
}

/** Returns the name of a connection to the echoing provider. */
export const echoingConnection = (provider: string): string => `${provider}-echo`

/** Creates two connections for each provider with a key: to a simulator, and to a provider that repeats the key. */
export async function connectProviders({
  canaries,
  providers,
  echoing,
  connect: add,
  marker,
}: CanaryRun): Promise<void> {
  for (const { id, keyPrefix } of KEYED_PROVIDERS) {
    const config = { apiKey: canaries.get(`key of ${id}`), baseUrl: baseUrl(id, providers.of(id).url) }
    await add({ name: id, provider: id, config })
    // Joined by characters that JSON and URLs escape.
    const parts = Array.from({ length: 3 }, () => randomBytes(12).toString('hex'))
    const echoed = canaries.add(`echoed key of ${id}`, keyPrefix + parts.join('"\\/+<'))
    await add({
      name: echoingConnection(id),
      provider: id,
      config: { apiKey: echoed, baseUrl: baseUrl(id, echoing.url) },
    })
  }
  const markedKey = canaries.make('key of the marked connection', 'sk-')
  await add({ name: marker, provider: 'openai', config: { apiKey: markedKey, baseUrl: 'http://127.0.0.1:9' } })
}

export function baseUrl(provider: string, origin: string): string {
  return provider === 'openai' ? `${origin}/v1` : origin
}
