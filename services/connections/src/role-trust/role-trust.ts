import { SluiceError, validate } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { Connection } from '../connections/connection.ts'
import { bedrockAccess } from './bedrock-access.ts'
import { PolicyDocument, permissionsPolicy, trustPolicy } from './iam-policies.ts'
import { launchUrl, partitionOf } from './launch-url.ts'

/** What the account of a connection's role must grant, ready to be pasted or launched. */
export type RoleTrust = Static<typeof RoleTrust>
export const RoleTrust = Type.Object({
  roleArn: Type.String({ description: 'The role that the connection names, which may not be there yet' }),
  externalId: Type.String({ description: "The connection's own, which the role's trust policy must ask for" }),
  trustedPrincipalArn: Type.Optional(Type.String({ description: 'Who assumes the role' })),
  trustPolicy: Type.Optional(PolicyDocument),
  permissionsPolicy: PolicyDocument,
  launchUrl: Type.Optional(
    Type.String({ description: "Page of AWS's console that makes the role with CloudFormation, parameters filled in" }),
  ),
  missing: Type.Array(Type.String(), { description: 'Why a member is absent, a sentence for each' }),
})

/** What the operator of Sluice has set up for it. */
export interface RoleTrustSettings {
  /** Who Sluice is in AWS: ARN of the role, user or account root that it assumes roles as. */
  readonly principalArn?: string
  /** Where `cfn/bedrock-iam-role.yaml` is for CloudFormation to read. */
  readonly templateUrl?: string
}

/**
 * Pure. What the settings do not allow to say is absent, and `missing` says why: a policy with a placeholder in it might be pasted.
 * @throws SluiceError `not_found` when the connection's provider knows no roles
 */
export function roleTrust(connection: Connection, settings: RoleTrustSettings): RoleTrust {
  const { region, iamRoleArn: roleArn, externalId } = roleConfig(connection)
  const partition = partitionOf(region)
  const { accountId, rolePath, roleName } = partsOf(roleArn)
  const access = bedrockAccess(connection.allowedModels)
  const always = { roleArn, externalId, permissionsPolicy: permissionsPolicy(access, partition.id, accountId) }

  const { principalArn: trustedPrincipalArn, templateUrl } = settings
  if (trustedPrincipalArn === undefined) return { ...always, missing: [NO_PRINCIPAL] }
  if (!trustedPrincipalArn.startsWith(`arn:${partition.id}:`)) {
    return { ...always, missing: [otherPartition(trustedPrincipalArn, partition.id)] }
  }
  const trusted = { ...always, trustedPrincipalArn, trustPolicy: trustPolicy(trustedPrincipalArn, externalId) }
  if (templateUrl === undefined) return { ...trusted, missing: [NO_TEMPLATE] }
  const stackName = `sluice-${connection.name}`
  const stack = { templateUrl, stackName, region, trustedPrincipalArn, externalId, access, roleName, rolePath }
  const url = launchUrl(stack, partition)
  return url === undefined ? { ...trusted, missing: [TOO_LONG] } : { ...trusted, launchUrl: url, missing: [] }
}

function roleConfig({ name, provider, config }: Connection): Static<typeof RoleConfig> {
  const role = validate(RoleConfig, config)
  if (role.valid) return role.value
  throw new SluiceError('not_found', `Connection "${name}" is reached without a role, as ${provider} has none.`)
}

const RoleConfig = Type.Object({ region: Type.String(), iamRoleArn: Type.String(), externalId: Type.String() })

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
function partsOf(roleArn: string) {
  const [, accountId = '', rolePath = '/', roleName = ''] = /:(\d{12}):role(\/(?:.*\/)?)([^/]*)$/.exec(roleArn) ?? []
  return { accountId, rolePath, roleName }
}

const NO_PRINCIPAL = 'Who may assume the role is not known, and so no trust policy: set AWS_PRINCIPAL_ARN.'
const NO_TEMPLATE = 'Where CloudFormation finds the template is not known, and so no launch link: set CFN_TEMPLATE_URL.'
const TOO_LONG = 'allowedModels is longer than a parameter of CloudFormation may be, so that there is no launch link.'

function otherPartition(principalArn: string, partition: string): string {
  return `AWS_PRINCIPAL_ARN is ${principalArn}, which no role of the partition ${partition} can trust.`
}
