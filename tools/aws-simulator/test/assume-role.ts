import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts'
import type { AwsSimulator } from '../src/aws-simulator.ts'

/** The role that the tests use. */
export const ROLE = {
  arn: 'arn:aws:iam::123456789012:role/bedrock',
  externalId: 'external-1',
  trustedCaller: { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 'secret-of-the-caller' },
}

/** Assumes `ROLE`, except for `change`, through the official SDK. */
export function assumeRole(
  simulator: AwsSimulator,
  change: { [field in keyof AssumeRoleCommandInput]?: AssumeRoleCommandInput[field] | undefined } = {},
  caller = ROLE.trustedCaller,
) {
  const sts = new STSClient({ endpoint: simulator.url, region: 'us-east-1', credentials: caller, maxAttempts: 1 })
  const { RoleArn = ROLE.arn, RoleSessionName = 'session', DurationSeconds } = change
  const ExternalId = 'ExternalId' in change ? change.ExternalId : ROLE.externalId
  return sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName, DurationSeconds, ExternalId }))
}
