import type { AwsIdentity } from '@sluice/egress'

/** The service's own AWS identity, as settings. */
export interface AwsCredentialSettings {
  readonly AWS_ACCESS_KEY_ID?: string
  readonly AWS_SECRET_ACCESS_KEY?: string
  readonly AWS_SESSION_TOKEN?: string
}

/** Returns the AWS SDK's `credentials`, or undefined when the settings have none and the SDK uses its default chain. */
export function awsCredentialsIn({
  AWS_ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY,
  AWS_SESSION_TOKEN,
}: AwsCredentialSettings) {
  if (AWS_ACCESS_KEY_ID === undefined || AWS_SECRET_ACCESS_KEY === undefined) return undefined
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN }),
  }
}

/** How the service itself reaches STS. */
export interface StsAccess {
  /** URL of STS; AWS' own in the role's region by default. */
  readonly endpoint?: string
  /** The service's own identity; from the AWS SDK's default chain when absent. */
  readonly credentials?: AwsIdentity
}

export function stsAccess(settings: AwsCredentialSettings & { readonly STS_ENDPOINT?: string }): StsAccess {
  const credentials = awsCredentialsIn(settings)
  return {
    ...(settings.STS_ENDPOINT === undefined ? {} : { endpoint: settings.STS_ENDPOINT }),
    ...(credentials === undefined ? {} : { credentials }),
  }
}
