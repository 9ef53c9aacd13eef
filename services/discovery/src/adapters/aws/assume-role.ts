import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import type { BedrockRole } from '@sluice/providers'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { awsFault } from './aws-fault.ts'

export type RoleCredentials = Awaited<ReturnType<ReturnType<typeof fromTemporaryCredentials>>>

export interface StsAccess {
  /** In place of STS in the role's region. */
  readonly endpoint: string | undefined
  readonly requestHandler: NodeHttpHandler
}

/**
 * Temporary credentials of the role, for the service's own identity from where AWS's SDKs look for it: the environment, the shared
 * files, the container's or the instance's role.
 * @throws SluiceError that {@link awsFault} gives
 */
export async function assumeRole(
  { arn, externalId, region }: BedrockRole,
  { endpoint, requestHandler }: StsAccess,
): Promise<RoleCredentials> {
  const provide = fromTemporaryCredentials({
    params: {
      RoleArn: arn,
      ExternalId: externalId,
      RoleSessionName: SESSION_NAME,
      DurationSeconds: SHORTEST_SESSION_S,
    },
    clientConfig: { region, requestHandler, maxAttempts: MAX_ATTEMPTS, ...(endpoint && { endpoint }) },
  })
  try {
    return await provide()
  } catch (error) {
    throw awsFault(error, 'The role cannot be assumed:')
  }
}

/** Shown with every call in the role's account (AWS CloudTrail). */
const SESSION_NAME = 'sluice-discovery'
/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SHORTEST_SESSION_S = 900
const MAX_ATTEMPTS = 2
