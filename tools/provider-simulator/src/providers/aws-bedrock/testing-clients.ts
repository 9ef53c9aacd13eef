import { BedrockRuntimeClient, type BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime'
import { AssumeRoleCommand, type AssumeRoleCommandInput, type Credentials, STSClient } from '@aws-sdk/client-sts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { ProviderSimulator } from '../../start-provider-simulator.ts'

/** The role of the account that the tests use. */
export const ROLE = {
  arn: 'arn:aws:iam::123456789012:role/bedrock',
  externalId: 'external-1',
  region: 'eu-central-1',
  trustedCaller: { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 'secret-of-the-caller' },
}

/** Assumes `ROLE`, but for `change`, through the official SDK. */
export function assume(
  simulator: ProviderSimulator,
  change: { [field in keyof AssumeRoleCommandInput]?: AssumeRoleCommandInput[field] | undefined } = {},
  caller = ROLE.trustedCaller,
) {
  const sts = new STSClient({ endpoint: simulator.url, region: 'us-east-1', credentials: caller, maxAttempts: 1 })
  const { RoleArn = ROLE.arn, RoleSessionName = 'session', DurationSeconds } = change
  const ExternalId = 'ExternalId' in change ? change.ExternalId : ROLE.externalId
  return sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName, DurationSeconds, ExternalId }))
}

/** Credentials that the simulated STS handed out. */
export async function issue(simulator: ProviderSimulator): Promise<Credentials> {
  const { Credentials } = await assume(simulator)
  if (Credentials === undefined) throw new TypeError('an answer without credentials')
  return Credentials
}

/** The official SDK over HTTP/1.1: left to itself it speaks HTTP/2, which the simulator does not. */
export function bedrockClient(
  simulator: ProviderSimulator,
  { AccessKeyId = '', SecretAccessKey = '', SessionToken }: Partial<Credentials>,
  config: BedrockRuntimeClientConfig = {},
): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    endpoint: simulator.url,
    region: ROLE.region,
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(SessionToken && { sessionToken: SessionToken }),
    },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
    ...config,
  })
}
