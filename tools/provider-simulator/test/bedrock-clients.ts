import { BedrockRuntimeClient, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime'
import { openSession } from '@sluice/aws-simulator'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { ProviderSimulator } from '../src/provider-simulator.ts'

/** The role of the account that the tests use. */
export const ROLE = { arn: 'arn:aws:iam::123456789012:role/bedrock', region: 'eu-central-1' }

export interface SessionCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Returns credentials of `ROLE`, valid for an hour, as STS would. */
export function sessionCredentials(): Required<SessionCredentials> {
  const { accessKeyId, secretAccessKey, sessionToken } = openSession(ROLE.arn, Date.now() + 3_600_000)
  return { accessKeyId, secretAccessKey, sessionToken }
}

/** The official SDK over HTTP/1.1: by default it speaks HTTP/2, which the simulator does not. */
export function bedrockClient(
  simulator: ProviderSimulator,
  credentials: SessionCredentials = sessionCredentials(),
  config: BedrockRuntimeClientConfig = {},
): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    endpoint: simulator.url,
    region: ROLE.region,
    credentials,
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
    ...config,
  })
}
