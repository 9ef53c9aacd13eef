import type { AwsSimulator, KmsKey } from '@sluice/aws-simulator'

/** The settings of a service that may use KMS: the first of `keys` wraps, if KMS does. */
export function kmsSettings(kms: AwsSimulator, ...keys: readonly KmsKey[]): Record<string, string> {
  return {
    KMS_KEY_ID: keys.map(({ arn }) => arn).join(','),
    KMS_ENDPOINT: kms.url,
    KMS_TIMEOUT_MS: '10000',
    AWS_REGION: kms.region,
    AWS_ACCESS_KEY_ID: kms.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: kms.credentials.secretAccessKey,
  }
}
