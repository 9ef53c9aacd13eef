import { type Static, Type } from 'typebox'
import type { BedrockAccess } from './bedrock-access.ts'

/** An AWS IAM policy, to be pasted as it is. */
export type PolicyDocument = Static<typeof PolicyDocument>
export const PolicyDocument = Type.Object({
  Version: Type.Literal('2012-10-17'),
  Statement: Type.Array(
    Type.Object({
      Sid: Type.String(),
      Effect: Type.Literal('Allow'),
      Principal: Type.Optional(Type.Object({ AWS: Type.String() })),
      Action: Type.Union([Type.String(), Type.Array(Type.String())]),
      Resource: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
      Condition: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
    }),
  ),
})

type Statement = PolicyDocument['Statement'][number]

/** Allows the principal to assume the role, with this external id only. */
export function trustPolicy(principalArn: string, externalId: string): PolicyDocument {
  return policy([
    {
      Sid: 'SluiceForThisConnection',
      Effect: 'Allow',
      Principal: { AWS: principalArn },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': externalId } },
    },
  ])
}

/**
 * Allows what the role needs, the same as `cfn/bedrock-iam-role.yaml` with the same access. Converse needs the
 * permission to invoke; only foundation models count tokens.
 * @param partition as in an ARN
 * @param accountId the role's account
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
 */
export function permissionsPolicy(access: BedrockAccess, partition: string, accountId: string): PolicyDocument {
  const model = (id: string) => `arn:${partition}:bedrock:*::foundation-model/${id}`
  const profileArns = access.inferenceProfiles.map((profile) => `arn:${partition}:bedrock:*:${accountId}:${profile}`)
  const models: Statement = {
    Sid: 'Models',
    Effect: 'Allow',
    Action: [...INVOKE, 'bedrock:CountTokens'],
    Resource: access.models.map(model),
  }
  const profiles: Statement[] = [
    { Sid: 'InferenceProfiles', Effect: 'Allow', Action: INVOKE, Resource: profileArns },
    {
      Sid: 'ModelsThroughInferenceProfiles',
      Effect: 'Allow',
      Action: INVOKE,
      Resource: model('*'),
      Condition: { ArnLike: { 'bedrock:InferenceProfileArn': profileArns } },
    },
  ]
  return policy([
    ...(access.models.length === 0 ? [] : [models]),
    ...(profileArns.length === 0 ? [] : profiles),
    READ_QUOTAS,
  ])
}

function policy(statements: Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements }
}

const INVOKE = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream']

/** Service Quotas has no permission for a single service's quotas. */
const READ_QUOTAS: Statement = {
  Sid: 'Quotas',
  Effect: 'Allow',
  Action: ['servicequotas:GetServiceQuota', 'servicequotas:ListServiceQuotas'],
  Resource: '*',
}
