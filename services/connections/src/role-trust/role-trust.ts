import { SluiceError, validate } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import type { Connection } from '../connections/connection.ts'
import { bedrockAccess } from './bedrock-access.ts'
import { PolicyDocument, permissionsPolicy, trustPolicy } from './iam-policies.ts'
import { launchUrl, partitionOf } from './launch-url.ts'

/** The permissions that the AWS account of a connection's role must grant, ready to paste or launch. */
export type RoleTrust = Static<typeof RoleTrust>
export const RoleTrust = Type.Object({
  roleArn: Type.String({ description: 'The role of the connection, which may not exist yet' }),
  externalId: Type.String({ description: "The connection's own, which the role's trust policy must require" }),
  trustedPrincipalArn: Type.Optional(Type.String({ description: 'Who assumes the role' })),
  trustPolicy: Type.Optional(PolicyDocument),
  permissionsPolicy: PolicyDocument,
  launchUrl: Type.Optional(
    Type.String({
      description: 'AWS console page that creates the role with CloudFormation, with the parameters filled in',
    }),
  ),
  missing: Type.Array(Type.String(), { description: 'Why a member is absent, one sentence each' }),
})

/** The configuration of this installation. */
export interface RoleTrustSettings {
  /** ARN of the role, user or account root as which this installation assumes roles. */
  readonly principalArn?: string
  /** URL at which CloudFormation can read `cfn/bedrock-iam-role.yaml`. */
  readonly templateUrl?: string
}

/**
 * Returns the policies and the launch link. A member that needs a missing setting is absent, and `missing` says why: a
 * policy with a placeholder might be pasted as it is.
 * @throws SluiceError `not_found` when the connection's provider has no roles
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
  throw new SluiceError('not_found', `Connection "${name}" uses no IAM role: its provider is ${provider}.`)
}

const RoleConfig = Type.Object({ region: Type.String(), iamRoleArn: Type.String(), externalId: Type.String() })

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html */
function partsOf(roleArn: string) {
  const [, accountId, rolePath, roleName] = /:(\d{12}):role(\/(?:.*\/)?)([^/]*)$/.exec(roleArn) ?? []
  if (accountId === undefined || rolePath === undefined || roleName === undefined) {
    throw new SluiceError('internal', `the stored role ARN ${roleArn} is malformed`)
  }
  return { accountId, rolePath, roleName }
}

const NO_PRINCIPAL = 'There is no trust policy, as it is not known who assumes the role: set AWS_PRINCIPAL_ARN.'
const NO_TEMPLATE =
  'There is no launch link, as it is not known where CloudFormation finds the template: set CFN_TEMPLATE_URL.'
const TOO_LONG = 'There is no launch link, as allowedModels is longer than a CloudFormation parameter may be.'

function otherPartition(principalArn: string, partition: string): string {
  return `AWS_PRINCIPAL_ARN is ${principalArn}, which no role of the partition ${partition} can trust.`
}
