import type { BedrockAccess } from './bedrock-access.ts'

/** One of AWS's separate worlds: an account, its roles and what they trust are all of one. */
export interface Partition {
  /** As in an ARN. */
  readonly id: string
  readonly consoleHost: string
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export function partitionOf(region: string): Partition {
  if (region.startsWith('cn-')) return { id: 'aws-cn', consoleHost: 'console.amazonaws.cn' }
  if (region.startsWith('us-gov-')) return { id: 'aws-us-gov', consoleHost: 'console.amazonaws-us-gov.com' }
  return { id: 'aws', consoleHost: 'console.aws.amazon.com' }
}

/** What the stack of `cfn/bedrock-iam-role.yaml` is made with. */
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
 * The page of AWS's console that makes the stack, its parameters filled in; undefined where one is longer than CloudFormation takes.
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
  // In a fragment "+" is no blank, as it is in a form: what is not plain is percent-encoded.
  const fragment = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  const region = encodeURIComponent(stack.region)
  return `https://${consoleHost}/cloudformation/home?region=${region}#/stacks/quickcreate?${fragment}`
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MAX_PARAMETER_LENGTH = 4_096
