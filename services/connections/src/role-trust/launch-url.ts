import type { BedrockAccess } from './bedrock-access.ts'

/** An AWS partition: an account, its roles and the principals that they trust belong to the same one. */
export interface Partition {
  /** As in ARNs. */
  readonly id: string
  readonly consoleHost: string
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return { id: 'aws-cn', consoleHost: 'console.amazonaws.cn' }
  if (region.startsWith('us-gov-')) return { id: 'aws-us-gov', consoleHost: 'console.amazonaws-us-gov.com' }
  return { id: 'aws', consoleHost: 'console.aws.amazon.com' }
}

/** The parameters of a stack of `cfn/bedrock-iam-role.yaml`. */
export interface RoleStack {
  readonly templateUrl: string
  readonly stackName: string
  readonly region: string
  readonly trustedPrincipalArn: string
  readonly externalId: string
  readonly access: BedrockAccess
  readonly roleName: string
  readonly rolePath: string
}

/**
 * Returns the AWS console page that creates the stack, with its parameters filled in; undefined when one is too long
 * for CloudFormation.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html
 */
export function launchUrl(stack: RoleStack, { consoleHost }: Partition): string | undefined {
  const parameters = {
    TrustedPrincipalArn: stack.trustedPrincipalArn,
    ExternalId: stack.externalId,
    AllowedModels: stack.access.models.join(),
    AllowedInferenceProfiles: stack.access.inferenceProfiles.join(),
    RoleName: stack.roleName,
    RolePath: stack.rolePath,
  }
  if (Object.values(parameters).some(({ length }) => length > MAX_PARAMETER_LENGTH)) return undefined
  const query = Object.entries({
    templateURL: stack.templateUrl,
    stackName: stack.stackName,
    ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`param_${name}`, value])),
  })
  // Percent-encoded, as in a fragment "+" does not mean a space.
  const fragment = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const region = encodeURIComponent(stack.region)
  return `https://${consoleHost}/cloudformation/home?region=${region}#/stacks/quickcreate?${fragment}`
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_PARAMETER_LENGTH = 4_096
