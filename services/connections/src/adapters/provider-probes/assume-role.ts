import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { describeFailure, ProbeFailure } from '../../probes/probe-failure.ts'
import { type AwsCredentialSettings, awsCredentialsIn } from '../aws-credentials.ts'

type AwsCredentialIdentity = Awaited<ReturnType<ReturnType<typeof fromTemporaryCredentials>>>

/** The role of a connection. */
export interface AwsRole {
  readonly arn: string
  readonly externalId: string
  readonly region: string
}

/** How the service itself reaches AWS. */
export interface StsAccess {
  /** Where roles are assumed; AWS's own address in the role's region when absent. */
  readonly endpoint?: string
  /** The service's own identity; found where AWS' SDK always looks when absent. */
  readonly credentials?: AwsCredentialIdentity
}

export function stsAccess(settings: AwsCredentialSettings & { readonly STS_ENDPOINT?: string }): StsAccess {
  const credentials = awsCredentialsIn(settings)
  return {
    ...(settings.STS_ENDPOINT === undefined ? {} : { endpoint: settings.STS_ENDPOINT }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

/**
 * Temporary credentials of the role, for the service's own AWS identity.
 * @throws ProbeFailure `role_not_assumable` when STS refuses, or the service has no AWS identity
 */
export async function assumeRole(
  { arn, externalId, region }: AwsRole,
  { endpoint, credentials }: StsAccess,
  signal: AbortSignal,
): Promise<AwsCredentialIdentity> {
  const requestHandler = new NodeHttpHandler()
  const provide = fromTemporaryCredentials({
    params: {
      RoleArn: arn,
      ExternalId: externalId,
      RoleSessionName: SESSION_NAME,
      DurationSeconds: SHORTEST_SESSION_S,
    },
    ...(credentials === undefined ? {} : { masterCredentials: credentials }),
    clientConfig: { region, requestHandler, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) },
  })
  const giveUp = () => requestHandler.destroy()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await provide()
  } catch (error) {
    throw understood(error)
  } finally {
    signal.removeEventListener('abort', giveUp)
    requestHandler.destroy()
  }
}

function understood(error: unknown): unknown {
  const { code, message, status } = describeFailure(error)
  const isRefusal = code !== 'unreachable' && code !== 'rate_limited' && (status === undefined || status < 500)
  return isRefusal ? new ProbeFailure('role_not_assumable', `The role cannot be assumed: ${message}`, status) : error
}

const SESSION_NAME = 'sluice-connection-test'
/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SHORTEST_SESSION_S = 900
