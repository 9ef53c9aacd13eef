import { type AwsIdentity, createRoleAssumer, type RoleToAssume, type TemporaryCredentials } from '@sluice/egress'
import { type AwsCredentialSettings, awsCredentialsIn } from '../aws-credentials.ts'
import { describeFailure, ProbeFailure } from './probe-failure.ts'

/** How the service itself reaches AWS. */
export interface StsAccess {
  /** Where roles are assumed; AWS's own address in the role's region when absent. */
  readonly endpoint?: string
  /** The service's own identity; found where AWS's SDKs look when absent. */
  readonly credentials?: AwsIdentity
}

export function stsAccess(settings: AwsCredentialSettings & { readonly STS_ENDPOINT?: string }): StsAccess {
  const credentials = awsCredentialsIn(settings)
  return {
    ...(settings.STS_ENDPOINT === undefined ? {} : { endpoint: settings.STS_ENDPOINT }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}

/**
 * Returns temporary credentials of a connection's role, assumed with the service's own AWS identity.
 * @throws ProbeFailure `role_not_assumable` if STS refuses, or the service has no AWS identity
 */
export async function assumeRole(
  role: Pick<RoleToAssume, 'arn' | 'externalId' | 'region'>,
  { endpoint, credentials }: StsAccess,
  signal: AbortSignal,
): Promise<TemporaryCredentials> {
  const assumer = createRoleAssumer({ endpoint, identity: credentials, maxAttempts: 1 })
  try {
    return await assumer.assume({ ...role, sessionName: SESSION_NAME, sessionSeconds: SHORTEST_SESSION_S }, signal)
  } catch (error) {
    throw roleFailure(error)
  } finally {
    assumer.stop()
  }
}

function roleFailure(error: unknown): unknown {
  const { code, message, status } = describeFailure(error)
  const isRefusal = code !== 'unreachable' && code !== 'rate_limited' && (status === undefined || status < 500)
  return isRefusal ? new ProbeFailure('role_not_assumable', `The role cannot be assumed: ${message}`, status) : error
}

const SESSION_NAME = 'sluice-connection-test'
/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SHORTEST_SESSION_S = 900
