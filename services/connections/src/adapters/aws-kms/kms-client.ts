import { KMSClient } from '@aws-sdk/client-kms'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { type AwsCredentialSettings, awsCredentialsIn } from '../aws-credentials.ts'

export interface KmsClientSettings extends AwsCredentialSettings {
  readonly AWS_REGION?: string
  readonly KMS_ENDPOINT?: string
  readonly KMS_TIMEOUT_MS: number
}

/**
 * The SDK's client with a bound on everything: three attempts with the SDK's own back-off, each with a third of the time. What the
 * settings leave out the SDK finds where it always does (profile, container, instance).
 */
export function createKmsClient(settings: KmsClientSettings): KMSClient {
  const { AWS_REGION: region, KMS_ENDPOINT: endpoint } = settings
  const credentials = awsCredentialsIn(settings)
  const attemptMs = Math.ceil(settings.KMS_TIMEOUT_MS / MAX_ATTEMPTS)
  return new KMSClient({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryMode: 'standard',
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: attemptMs,
      requestTimeout: attemptMs,
      throwOnRequestTimeout: true,
    }),
  })
}

const MAX_ATTEMPTS = 3
