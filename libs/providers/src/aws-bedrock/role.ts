import { didYouMean, type FieldError, validate } from '@sluice/contracts'
import { Type } from 'typebox'

/** The IAM role that a Bedrock connection assumes. */
export interface BedrockRole {
  readonly arn: string
  /** Required by the role's trust policy. Unique to the connection, so that no other connection can use the role. */
  readonly externalId: string
  readonly region: string
}

/** Reads the role in a stored connection's config, or returns what is wrong with it. */
export function readBedrockRole(
  config: unknown,
): { readonly valid: true; readonly role: BedrockRole } | { readonly valid: false; readonly errors: FieldError[] } {
  const read = validate(RoleConfig, config)
  if (!read.valid) return read
  const { iamRoleArn: arn, externalId, region } = read.value
  return { valid: true, role: { arn, externalId, region } }
}

const RoleConfig = Type.Object({
  iamRoleArn: Type.String({ minLength: 1 }),
  externalId: Type.String({ minLength: 1 }),
  region: Type.String({ minLength: 1 }),
})

/**
 * Returns what is wrong with the name of an AWS region, or undefined. An unknown region passes together with a base
 * URL: AWS opens regions that this list does not have yet.
 * @param hasBaseUrl whether the connection states its own base URL
 * @see https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
 */
export function regionFault(region: string, hasBaseUrl: boolean): string | undefined {
  if (REGIONS.has(region)) return undefined
  const near = didYouMean(region, REGIONS)
  // Text that does not look like a region may be a secret: do not show it.
  if (!FORM.test(region)) return `must be an AWS region, such as "eu-central-1"${near}`
  if (hasBaseUrl) return undefined
  return (
    `is "${region}", which is not a known AWS region${near === '' ? '.' : near} For a newer region, set its baseUrl: ` +
    `https://bedrock-runtime.${region}.amazonaws.com`
  )
}

const FORM = /^[a-z]{2,4}(?:-[a-z]{1,10}){1,3}-\d{1,2}$/

const REGIONS: ReadonlySet<string> = new Set([
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'us-gov-east-1',
  'us-gov-west-1',
  'ca-central-1',
  'ca-west-1',
  'mx-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-central-2',
  'eu-north-1',
  'eu-south-1',
  'eu-south-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'eusc-de-east-1',
  'af-south-1',
  'il-central-1',
  'me-central-1',
  'me-south-1',
  'ap-east-1',
  'ap-east-2',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-south-2',
  'ap-southeast-1',
  'ap-southeast-2',
  'ap-southeast-3',
  'ap-southeast-4',
  'ap-southeast-5',
  'ap-southeast-6',
  'ap-southeast-7',
  'cn-north-1',
  'cn-northwest-1',
])
