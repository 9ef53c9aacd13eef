import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiKeyView, ConnectionView, CreatedApiKey } from '@sluice/contracts'
import {
  type AdminClient,
  adminClient,
  gatewayKnows,
  readSettings,
  type ServiceEnvironments,
  type Stack,
  startStack,
  until,
} from '@sluice/local'
import type { DatabaseUrls } from '@sluice/local-servers'
import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import { natsServerPath } from '@sluice/testkit'
import OpenAI from 'openai'

/** The whole of Sluice as users run it, every service its own process, in front of a simulated provider. */
export interface System {
  readonly stack: Stack
  readonly simulator: ProviderSimulator
  readonly admin: AdminClient
  /** The default credential of connections made by {@link System.connect}. */
  readonly upstreamKey: string
  /** Returns the output of all processes so far. */
  logs(): string
  /** Creates a connection with this capacity, and a key for it; resolves when every gateway knows them. */
  connect(
    name: string,
    capacity: ConnectionView['capacity'],
    more?: { readonly upstreamKey?: string; readonly enforceDiscovered?: boolean },
  ): Promise<{ id: string; apiKey: string }>
  client(name: string, apiKey: string, gateway?: number): OpenAI
  stop(): Promise<void>
}

export async function startSystem(
  settings: {
    readonly gateways?: number
    readonly capacities?: number
    readonly logLevel?: string
    /** Databases of a PostgreSQL that is already running. */
    readonly databaseUrls?: DatabaseUrls
    /** The folder for all data. Default: a temporary folder. */
    readonly dataDir?: string
    readonly extra?: ServiceEnvironments
  } = {},
): Promise<System> {
  const upstreamKey = `sk-upstream-${randomBytes(18).toString('base64url')}`
  const simulator = await startProviderSimulator({ accounts: [{ apiKey: upstreamKey }] })
  const dataDir = settings.dataDir ?? (await mkdtemp(join(tmpdir(), 'sluice-system-')))
  const lines: string[] = []
  const stack = await startStack(
    readSettings({
      SLUICE_DATA_DIR: dataDir,
      SLUICE_NATS_SERVER: natsServerPath(),
      GATEWAY_PORT: '0',
      ADMIN_PORT: '0',
      GATEWAY_INSTANCES: String(settings.gateways ?? 1),
      CAPACITY_INSTANCES: String(settings.capacities ?? 1),
      ALLOW_INSECURE_UPSTREAM: 'true',
      LOG_LEVEL: settings.logLevel ?? 'info',
      ...(settings.databaseUrls && {
        CONNECTIONS_DATABASE_URL: settings.databaseUrls.connections,
        DISCOVERY_DATABASE_URL: settings.databaseUrls.discovery,
        USAGE_DATABASE_URL: settings.databaseUrls.usage,
      }),
    }),
    {
      log: (source, line) => lines.push(`${source} | ${line}`),
      inherited: { PATH: process.env.PATH ?? '' },
      ...(settings.extra === undefined ? {} : { extra: settings.extra }),
    },
  )
  const admin = adminClient(stack.adminUrl, stack.operatorToken ?? '')

  return {
    stack,
    simulator,
    admin,
    upstreamKey,
    logs: () => lines.join('\n'),
    connect: async (name, capacity, { upstreamKey: apiKey = upstreamKey, ...settings } = {}) => {
      const config = { apiKey, baseUrl: simulator.openaiBaseUrl }
      const connection = { name, provider: 'openai', config, capacity, ...settings }
      const { id } = await admin.post<ConnectionView>('/connections', connection)
      const { key } = await admin.post<CreatedApiKey & ApiKeyView>('/api-keys', { name, connections: [id] })
      for (const gatewayUrl of stack.gatewayUrls) {
        await until(`${gatewayUrl}’s news of ${name}`, () => gatewayKnows(gatewayUrl, name, key), Boolean)
      }
      return { id, apiKey: key }
    },
    client: (name, apiKey, gateway = 0) =>
      new OpenAI({ apiKey, baseURL: `${stack.gatewayUrls[gateway]}/connections/${name}/v1`, maxRetries: 0 }),
    stop: async () => {
      await stack.stop()
      await simulator.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
