import { SluiceError } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { type Connection, DEFAULT_SETTINGS } from '../connections/connection.ts'
import { roleTrust } from './role-trust.ts'

const EXTERNAL_ID = 'sluice-01890a5d-ac96-774b-bcce-b302099a8057'
const PRINCIPAL = 'arn:aws:iam::111122223333:role/sluice'
const TEMPLATE = 'https://templates.s3.eu-central-1.amazonaws.com/a b/bedrock-iam-role.yaml?versionId=1&x=2'

const connection = (over: { allowedModels?: string[]; region?: string; iamRoleArn?: string } = {}): Connection => ({
  ...DEFAULT_SETTINGS,
  ...(over.allowedModels === undefined ? {} : { allowedModels: over.allowedModels }),
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  name: 'bedrock-prod',
  provider: 'aws-bedrock',
  config: {
    region: over.region ?? 'eu-central-1',
    iamRoleArn: over.iamRoleArn ?? 'arn:aws:iam::444455556666:role/ai/tools/sluice-prod',
    externalId: EXTERNAL_ID,
  },
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
})
const settings = { principalArn: PRINCIPAL, templateUrl: TEMPLATE }

/** The fragment's query of a launch link, decoded as the console does. */
function parametersOf(url: string | undefined): Record<string, string> {
  const [, query = ''] = new URL(url ?? '').hash.split('?')
  return Object.fromEntries(query.split('&').map((pair) => pair.split('=').map(decodeURIComponent)))
}

it('trusts only the configured principal with the connection’s external id', () => {
  expect(roleTrust(connection(), settings).trustPolicy).toEqual({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'SluiceForThisConnection',
        Effect: 'Allow',
        Principal: { AWS: PRINCIPAL },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
      },
    ],
  })
})

it('permits the models that the connection may use, those behind a profile only through it', () => {
  const trust = roleTrust(connection({ allowedModels: ['amazon.nova-*', 'eu.anthropic.claude-*'] }), settings)
  const profile = 'arn:aws:bedrock:*:444455556666:inference-profile/eu.anthropic.claude-*'
  const invoke = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream']
  expect(trust.permissionsPolicy.Statement).toEqual([
    {
      Sid: 'Models',
      Effect: 'Allow',
      Action: [...invoke, 'bedrock:CountTokens'],
      Resource: ['arn:aws:bedrock:*::foundation-model/amazon.nova-*'],
    },
    { Sid: 'InferenceProfiles', Effect: 'Allow', Action: invoke, Resource: [profile] },
    {
      Sid: 'ModelsThroughInferenceProfiles',
      Effect: 'Allow',
      Action: invoke,
      Resource: 'arn:aws:bedrock:*::foundation-model/*',
      Condition: { ArnLike: { 'bedrock:InferenceProfileArn': [profile] } },
    },
    {
      Sid: 'Quotas',
      Effect: 'Allow',
      Action: ['servicequotas:GetServiceQuota', 'servicequotas:ListServiceQuotas'],
      Resource: '*',
    },
  ])
})

it('has no statement without a resource', () => {
  const sids = (allowedModels: string[]) =>
    roleTrust(connection({ allowedModels }), settings).permissionsPolicy.Statement.map(({ Sid }) => Sid)
  expect(sids(['amazon.nova-*'])).toEqual(['Models', 'Quotas'])
  expect(sids(['eu.amazon.*'])).toEqual(['InferenceProfiles', 'ModelsThroughInferenceProfiles', 'Quotas'])
  expect(sids([])).toEqual(['Quotas'])
})

it('fills in the launch link, whatever characters the parameters contain', () => {
  const { launchUrl } = roleTrust(connection({ allowedModels: ['amazon.nova-*', 'us.meta.*', '*.x'] }), settings)
  expect(launchUrl).toMatch(
    /^https:\/\/console\.aws\.amazon\.com\/cloudformation\/home\?region=eu-central-1#\/stacks\/quickcreate\?templateURL=https%3A%2F%2F/,
  )
  expect(parametersOf(launchUrl)).toEqual({
    templateURL: TEMPLATE,
    stackName: 'sluice-bedrock-prod',
    param_TrustedPrincipalArn: PRINCIPAL,
    param_ExternalId: EXTERNAL_ID,
    param_AllowedModels: 'amazon.nova-*',
    param_AllowedInferenceProfiles: 'inference-profile/us.meta.*,inference-profile/*.x',
    param_RoleName: 'sluice-prod',
    param_RolePath: '/ai/tools/',
  })
  const plain = roleTrust(connection({ iamRoleArn: 'arn:aws:iam::444455556666:role/a+b=c' }), settings).launchUrl
  expect(plain).toContain('&param_RoleName=a%2Bb%3Dc&param_RolePath=%2F')
  expect(parametersOf(plain)).toMatchObject({ param_RoleName: 'a+b=c', param_RolePath: '/' })
})

it.each([
  ['cn-north-1', 'aws-cn', 'console.amazonaws.cn'],
  ['us-gov-west-1', 'aws-us-gov', 'console.amazonaws-us-gov.com'],
  ['us-west-2', 'aws', 'console.aws.amazon.com'],
])('of %s is in the partition %s', (region, partition, host) => {
  const role = { region, iamRoleArn: `arn:${partition}:iam::444455556666:role/sluice` }
  const principalArn = `arn:${partition}:iam::111122223333:root`
  const trust = roleTrust(connection(role), { ...settings, principalArn })
  expect(trust.permissionsPolicy.Statement[0]?.Resource).toEqual([`arn:${partition}:bedrock:*::foundation-model/*`])
  expect(trust.launchUrl).toMatch(`https://${host}/cloudformation/home?region=${region}#`)
  expect(trust.missing).toEqual([])
})

it('leaves out what is not configured, and says why', () => {
  const without = roleTrust(connection(), { templateUrl: TEMPLATE })
  expect(Object.keys(without)).toEqual(['roleArn', 'externalId', 'permissionsPolicy', 'missing'])
  expect(without.missing).toEqual([expect.stringContaining('AWS_PRINCIPAL_ARN')])

  const noTemplate = roleTrust(connection(), { principalArn: PRINCIPAL })
  expect(noTemplate).not.toHaveProperty('launchUrl')
  expect(noTemplate.trustPolicy).toBeDefined()
  expect(noTemplate.missing).toEqual([expect.stringContaining('CFN_TEMPLATE_URL')])

  const elsewhere = roleTrust(connection({ region: 'cn-north-1' }), settings)
  expect(elsewhere).not.toHaveProperty('trustPolicy')
  expect(elsewhere.missing).toEqual([expect.stringContaining('aws-cn')])

  const allowedModels = Array.from({ length: 200 }, (_, index) => `anthropic.a-model-with-a-name-${index}`)
  const tooLong = roleTrust(connection({ allowedModels }), settings)
  expect(tooLong).not.toHaveProperty('launchUrl')
  expect(tooLong.missing).toEqual([expect.stringContaining('allowedModels')])
})

it('is not found for a provider without roles', () => {
  const openai: Connection = { ...connection(), provider: 'openai', config: {} }
  expect(() => roleTrust(openai, settings)).toThrow(SluiceError)
  expect(() => roleTrust(openai, settings)).toThrow('Connection "bedrock-prod" uses no IAM role')
})
