import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAwsSimulator } from '@sluice/aws-simulator'
import type { ApiKeyView, CapacityStatus, ConnectionView, CreatedApiKey, ProviderId } from '@sluice/contracts'
import { adminClient, readSettings, startStack, until } from '@sluice/local'
import {
  type Control,
  type ProviderSimulator,
  type RequestRecord,
  startProviderSimulator,
} from '@sluice/provider-simulator'
import { afterAll, beforeAll } from 'vitest'

/** The whole of Sluice as users run it, every service its own process, in front of the five simulated providers. */
export interface System {
  readonly gatewayUrl: string
  /** Creates a connection without charges, and a key for it; resolves when the gateway knows them. */
  connect(options: ConnectOptions): Promise<Connection>
  /** Creates a key for connections made by {@link connect}; resolves when the gateway knows it. */
  apiKey(connectionNames: readonly string[]): Promise<string>
  stop(): Promise<void>
}

export interface ConnectOptions {
  readonly provider: ProviderId
  /** Default: a random one. */
  readonly name?: string
  /** Default: more than a test uses. */
  readonly capacity?: ConnectionView['capacity']
}

export interface Connection {
  readonly name: string
  readonly apiKey: string
  /** Sets the simulated provider's behavior for this connection only. */
  control(control: Omit<Control, 'apiKey' | 'pathPrefix'>): void
  /** Returns the requests that reached the provider through this connection, oldest first. */
  requests(): readonly RequestRecord[]
  /** Waits until the latest request has ended this way at the provider. */
  ended(outcome: RequestRecord['outcome']): Promise<void>
  /** Waits until no reservation is open; returns what the capacity service has charged to the hour. */
  charged(): Promise<{ readonly requests: number; readonly tokens: number }>
}

const PROVIDERS = ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const satisfies readonly ProviderId[]
const AMPLE: ConnectionView['capacity'] = [{ period: 'hour', requests: 10_000, tokens: 100_000_000 }]
const REGION = 'eu-central-1'
const AWS_CALLER = { accessKeyId: 'AKIASLUICE', secretAccessKey: randomBytes(20).toString('base64url') }

/** Starts a system before the first test of a file, and stops it after the last. */
export function useSystem(): () => System {
  let system: System | undefined
  beforeAll(async () => {
    system = await startSystem()
  })
  afterAll(() => system?.stop())
  return () => {
    if (system === undefined) throw new Error('The system has not been started yet.')
    return system
  }
}

async function startSystem(): Promise<System> {
  const simulators = new Map<ProviderId, ProviderSimulator>()
  for (const provider of PROVIDERS) {
    simulators.set(provider, await startProviderSimulator({ provider, recordContent: true }))
  }
  const simulatorOf = (provider: ProviderId): ProviderSimulator => {
    const simulator = simulators.get(provider)
    if (simulator === undefined) throw new Error(`There is no simulator of ${provider}.`)
    return simulator
  }
  const aws = await startAwsSimulator()
  const awsEnvironment = {
    AWS_ACCESS_KEY_ID: AWS_CALLER.accessKeyId,
    AWS_SECRET_ACCESS_KEY: AWS_CALLER.secretAccessKey,
    STS_ENDPOINT: aws.url,
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-clients-'))
  const lines: string[] = []
  const settings = readSettings({
    SLUICE_DATA_DIR: dataDir,
    GATEWAY_PORT: '0',
    ADMIN_PORT: '0',
    ALLOW_INSECURE_UPSTREAM: 'true',
    LOG_LEVEL: 'warn',
  })
  const stack = await startStack(settings, {
    log: (source, line) => lines.push(`${source} | ${line}`),
    inherited: { PATH: process.env.PATH ?? '' },
    extra: { connections: awsEnvironment, gateway: awsEnvironment },
  })
  const admin = adminClient(stack.adminUrl, stack.operatorToken ?? '')
  const [gatewayUrl = ''] = stack.gatewayUrls

  const ids = new Map<string, string>()
  const apiKey: System['apiKey'] = async (names) => {
    const connections = names.map((name) => ids.get(name))
    const { key } = await admin.post<CreatedApiKey & ApiKeyView>('/api-keys', { name: names.join(' '), connections })
    for (const name of names) {
      await until(`the gateway's news of ${name}`, () => isKnown(gatewayUrl, name, key), Boolean)
    }
    return key
  }

  return {
    gatewayUrl,
    apiKey,
    connect: async ({ provider, name = `c-${randomBytes(6).toString('hex')}`, capacity = AMPLE }) => {
      const simulator = simulatorOf(provider)
      const upstreamKey = `upstream-${randomBytes(18).toString('base64url')}`
      const { id } = await register(provider, simulator, upstreamKey, { name, capacity })
      ids.set(name, id)
      const key = await apiKey([name])
      const status = () => admin.get<CapacityStatus>(`/connections/${id}/capacity`)
      const requests = () => simulator.requests.list(upstreamKey)
      const isSettled = ({ windows }: CapacityStatus) => windows.every(({ reserved }) => reserved === 0)
      return {
        name,
        apiKey: key,
        control: (control) => simulator.controls.add({ ...control, apiKey: upstreamKey }),
        requests,
        ended: async (outcome) => {
          const latest = async () => requests().at(-1)?.outcome
          await until(`the end ${outcome} of ${name}`, latest, (ended) => ended === outcome)
        },
        charged: async () => {
          const { windows } = await until(`settlement of ${name}`, status, isSettled)
          const used = (metric: string) => windows.find((window) => window.metric === metric)?.used ?? Number.NaN
          return { requests: used('requests'), tokens: used('tokens') }
        },
      }
    },
    stop: async () => {
      await stack.stop()
      await Promise.all([...simulators.values(), aws].map((simulator) => simulator.stop()))
      await rm(dataDir, { recursive: true, force: true })
    },
  }

  /** Creates the provider's account, and the connection to it. */
  async function register(
    provider: ProviderId,
    simulator: ProviderSimulator,
    upstreamKey: string,
    connection: Required<Pick<ConnectOptions, 'name' | 'capacity'>>,
  ): Promise<ConnectionView> {
    if (provider !== 'aws-bedrock') {
      simulator.accounts.register({ apiKey: upstreamKey })
      const baseUrl = provider === 'openai' ? simulator.openaiBaseUrl : simulator.url
      return admin.post('/connections', { ...connection, provider, config: { apiKey: upstreamKey, baseUrl } })
    }
    const arn = `arn:aws:iam::123456789012:role/${connection.name}`
    const config = { region: REGION, iamRoleArn: arn, baseUrl: simulator.url }
    const made = await admin.post<ConnectionView>('/connections', { ...connection, provider, config })
    const externalId = String(made.config.externalId)
    simulator.accounts.register({ apiKey: upstreamKey, role: { arn, region: REGION } })
    aws.setRole({ arn, externalId, trustedCaller: AWS_CALLER })
    return made
  }
}

/** Returns true if the gateway knows the connection and that the key may use it: then only the path is wrong. */
async function isKnown(gatewayUrl: string, name: string, apiKey: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const { status, headers: received } = await fetch(`${gatewayUrl}/connections/${name}/no-such-path`, { headers })
  return status === 404 && received.get('x-sluice-connection') === name
}
