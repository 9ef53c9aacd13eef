import { randomUUID } from 'node:crypto'
import { BedrockRuntimeClient, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime'
import { type AwsSimulator, startAwsSimulator } from '@sluice/aws-simulator'
import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { CONNECTION_DEFAULTS, type ProjectedConnection } from '@sluice/contracts'
import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import { createLogger, readConfig } from '@sluice/service-kit'
import { testNats } from '@sluice/testkit'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { vi } from 'vitest'
import { type FreshConnection, freshConnection, untilKnown } from './fresh-connection.ts'
import { type ConnectionToMake, startGateway, type TestGateway } from './start-gateway.ts'

export const ROLE_ARN = 'arn:aws:iam::123456789012:role/bedrock'
export const EXTERNAL_ID = 'external-1'
export const REGION = 'eu-central-1'
/** The gateway's own secret access key, which the simulated role trusts. */
export const MASTER_SECRET = 'secret-of-the-gateway'

/** A gateway, a capacity instance, a simulated Bedrock, and a simulated AWS with one role that the gateway may assume. */
export interface BedrockPath {
  readonly gateway: TestGateway
  readonly simulator: ProviderSimulator
  /** Its STS returns the sessions. */
  readonly aws: AwsSimulator
  readonly apiKey: string
  /** Registers the role again, with sessions of this length. */
  role(sessionSeconds?: number): void
  /** Makes a connection, and waits until the gateway knows it. */
  connection(settings?: BedrockConnectionToMake): Promise<BedrockConnection>
  /** Makes a connection with the helpers of {@link FreshConnection}. */
  connect(settings?: Partial<ConnectionToMake>): Promise<FreshConnection>
  /** Returns how many requests STS received. */
  stsRequests(): number
  stop(): Promise<void>
}

interface BedrockConnectionToMake extends Partial<ProjectedConnection> {
  readonly role?: Readonly<Record<string, string>>
}

export interface BedrockConnection {
  readonly settings: ProjectedConnection
  readonly endpoint: string
  /** AWS's SDK with the API key as its bearer token, over HTTP/1.1. */
  sdk(config?: BedrockRuntimeClientConfig): BedrockRuntimeClient
}

export async function startBedrockPath(): Promise<BedrockPath> {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAGATEWAY')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', MASTER_SECRET)
  const nats = await testNats()
  const capacityConfig = readConfig(CapacityConfig, { NATS_URL: nats.url })
  const capacity = await startCapacity(capacityConfig, createLogger('capacity', 'silent'))
  const accounts = [{ apiKey: 'aws', role: { arn: ROLE_ARN, region: REGION } }]
  const simulator = await startProviderSimulator({ provider: 'aws-bedrock', accounts, recordContent: true })
  const aws = await startAwsSimulator()
  const gateway = await startGateway({ natsUrl: nats.url, env: { STS_ENDPOINT: aws.url } })
  const apiKey = await gateway.apiKey()
  const role = (sessionSeconds?: number) =>
    aws.setRole({
      arn: ROLE_ARN,
      externalId: EXTERNAL_ID,
      trustedCaller: { accessKeyId: 'AKIAGATEWAY', secretAccessKey: MASTER_SECRET },
      ...(sessionSeconds && { sessionSeconds }),
    })
  role()
  const rightful = { region: REGION, iamRoleArn: ROLE_ARN, externalId: EXTERNAL_ID, baseUrl: simulator.url }
  return {
    gateway,
    simulator,
    aws,
    apiKey,
    role,
    connection: async ({ role: changed, ...given } = {}) => {
      const id = given.id ?? randomUUID()
      const config = { ...rightful, ...changed }
      const settings: ProjectedConnection = { ...DEFAULTS, name: `c-${id}`, config, ...given, id }
      await gateway.connections.put(id, settings)
      const endpoint = `${gateway.url}/connections/${settings.name}`
      await untilKnown(gateway.url, settings.name, apiKey)
      return {
        settings,
        endpoint,
        sdk: (sdkConfig) =>
          new BedrockRuntimeClient({
            endpoint,
            region: 'us-east-1',
            token: { token: apiKey },
            authSchemePreference: ['httpBearerAuth'],
            requestHandler: new NodeHttpHandler(),
            maxAttempts: 1,
            ...sdkConfig,
          }),
      }
    },
    connect: (given = {}) =>
      freshConnection(gateway, apiKey, {
        provider: 'aws-bedrock',
        baseUrl: simulator.url,
        config: rightful,
        ...given,
      }),
    stsRequests: () => aws.requests.list('sts').length,
    stop: async () => {
      await gateway.stop()
      await simulator.stop()
      await aws.stop()
      await capacity.stop()
      await nats.stop()
      vi.unstubAllEnvs()
    },
  }
}

const DEFAULTS: Omit<ProjectedConnection, 'id' | 'name' | 'config'> = {
  provider: 'aws-bedrock',
  ...CONNECTION_DEFAULTS,
  version: 1,
}
