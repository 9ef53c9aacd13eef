import { describe, expect, it } from 'vitest'
import { type Connection, DEFAULT_SETTINGS } from '../src/connections/connection.ts'
import { credentialContext, sealingKeyContext } from '../src/keys/envelope.ts'
import { encryptionContext } from '../src/keys/kms-key-service.ts'
import { roleTrust } from '../src/role-trust/role-trust.ts'
import { readTemplate, render, type Template } from './support/cloudformation.ts'

interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: { readonly AWS: string }
  readonly Action: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly NotResource?: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

const role = readTemplate('bedrock-iam-role.yaml')
const key = readTemplate('kms-key.yaml')

const PRINCIPAL = 'arn:aws:iam::111122223333:role/sluice'
const EXTERNAL_ID = 'sluice-01890a5d-ac96-774b-bcce-b302099a8057'
const trusted = { TrustedPrincipalArn: PRINCIPAL, ExternalId: EXTERNAL_ID }
const used = { ServicePrincipalArn: PRINCIPAL }

/** Returns the statements of every policy in a stack, by their ids. */
function statementsOf(template: Template, parameters: Record<string, string>): Record<string, Statement> {
  const found: Statement[] = []
  JSON.stringify(render(template, parameters).resources, (name, value) => {
    if (name === 'Statement') found.push(...value)
    return value
  })
  return Object.fromEntries(found.map((statement) => [statement.Sid, statement]))
}
const actionsOf = (statement: Statement | undefined) => [statement?.Action ?? []].flat()

describe.each([
  ['bedrock-iam-role.yaml', role, { ...trusted, AllowedInferenceProfiles: 'inference-profile/*', RoleName: 'x' }],
  ['kms-key.yaml', key, used],
])('%s', (_, template, parameters) => {
  it('refers only to what exists, and uses every parameter', () => {
    expect(() => render(template, parameters)).not.toThrow()
    const text = JSON.stringify([template.Conditions, template.Resources])
    for (const name of Object.keys(template.Parameters)) expect(text).toMatch(new RegExp(`"${name}"|\\$\\{${name}\\}`))
  })

  it('uses no wildcard for an action or a principal', () => {
    for (const { Principal, Action } of Object.values(statementsOf(template, parameters))) {
      expect([Action].flat().filter((action) => action.includes('*'))).toEqual([])
      expect(Principal?.AWS ?? '').not.toContain('*')
    }
  })

  it.each([
    '*',
    'arn:aws:iam::111122223333:role/*',
    'arn:aws:iam::*:root',
    'arn:aws:sts::111122223333:assumed-role/sluice/session',
    '111122223333',
  ])('rejects the principal %s', (principal) => {
    const name = template === role ? 'TrustedPrincipalArn' : 'ServicePrincipalArn'
    expect(() => render(template, { ...parameters, [name]: principal })).toThrow(`${name} must not be`)
  })
})

describe('the role', () => {
  it('permits exactly the actions that Sluice needs', () => {
    const statements = statementsOf(role, { ...trusted, AllowedInferenceProfiles: 'inference-profile/eu.*' })
    const invoke = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream']
    const actions = Object.entries(statements).map(([sid, statement]) => [sid, actionsOf(statement)])
    expect(Object.fromEntries(actions)).toEqual({
      SluiceForThisConnection: ['sts:AssumeRole'],
      Models: [...invoke, 'bedrock:CountTokens'],
      InferenceProfiles: invoke,
      InferenceProfilesOfThisAccountOnly: invoke,
      ModelsThroughInferenceProfiles: invoke,
      Quotas: ['servicequotas:GetServiceQuota', 'servicequotas:ListServiceQuotas'],
    })
  })

  const OWN = '444455556666'
  it.each([
    ['of this account', `arn:aws:bedrock:eu-central-1:${OWN}:inference-profile/eu.amazon.nova-pro-v1:0`, true],
    [
      'of this account in another region',
      `arn:aws:bedrock:us-east-1:${OWN}:inference-profile/eu.amazon.nova-pro-v1:0`,
      true,
    ],
    ['created in this account', `arn:aws:bedrock:eu-central-1:${OWN}:application-inference-profile/abc123`, true],
    [
      'of another account',
      'arn:aws:bedrock:eu-central-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0',
      false,
    ],
    [
      'created in another account',
      'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc123',
      false,
    ],
    ['without an account', 'arn:aws:bedrock:eu-central-1::inference-profile/eu.amazon.nova-pro-v1:0', false],
    ['of another partition', `arn:aws-cn:bedrock:cn-north-1:${OWN}:inference-profile/eu.amazon.nova-pro-v1:0`, false],
    ['not in the parameters', `arn:aws:bedrock:eu-central-1:${OWN}:inference-profile/us.amazon.nova-pro-v1:0`, false],
  ])('permits only the inference profiles in the parameters: %s', (_, resource, expected) => {
    const profiles = 'inference-profile/eu.*,application-inference-profile/abc123'
    const statements = statementsOf(role, { ...trusted, AllowedInferenceProfiles: profiles })
    expect(isPermitted(statements, resource, {})).toBe(expected)
  })

  it('permits a foundation model directly, or through a permitted inference profile', () => {
    const more = { AllowedModels: 'amazon.*', AllowedInferenceProfiles: 'inference-profile/eu.*' }
    const statements = statementsOf(role, { ...trusted, ...more })
    const model = (id: string) => `arn:aws:bedrock:eu-central-1::foundation-model/${id}`
    expect(isPermitted(statements, model('amazon.nova-pro-v1:0'), {})).toBe(true)
    expect(isPermitted(statements, model('meta.llama'), {})).toBe(false)
    const through = (id: string) => ({
      'bedrock:InferenceProfileArn': `arn:aws:bedrock:eu-central-1:${OWN}:inference-profile/${id}`,
    })
    expect(isPermitted(statements, model('meta.llama'), through('eu.meta.llama'))).toBe(true)
    expect(isPermitted(statements, model('meta.llama'), through('us.meta.llama'))).toBe(false)
  })

  /** Returns true if IAM would permit the invocation: a statement allows it, and none denies it. */
  function isPermitted(
    statements: Record<string, Statement>,
    resource: string,
    context: Record<string, string>,
  ): boolean {
    const matching = Object.values(statements).filter(({ Action, Resource, NotResource, Condition }) => {
      if (![Action].flat().includes('bedrock:InvokeModel')) return false
      const isNamed = [Resource ?? NotResource ?? []].flat().some((pattern) => isLike(pattern, resource))
      const holds = Object.entries(Condition?.ArnLike ?? {}).every(([name, patterns]) =>
        [patterns].flat().some((pattern) => isLike(pattern, context[name] ?? '')),
      )
      return isNamed === (NotResource === undefined) && holds
    })
    return matching.some(({ Effect }) => Effect === 'Allow') && !matching.some(({ Effect }) => Effect === 'Deny')
  }

  function isLike(pattern: string, text: string): boolean {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`).test(text)
  }

  it('permits less if the parameters ask for less', () => {
    const sids = (parameters: object) => Object.keys(statementsOf(role, { ...trusted, ...parameters }))
    expect(sids({ AllowQuotaRead: 'false' })).toEqual(['SluiceForThisConnection', 'Models'])
    expect(sids({ AllowedModels: '', AllowQuotaRead: 'false' })).toEqual(['SluiceForThisConnection'])
  })

  it.each(['', 'mine', 'sluice-1', `${EXTERNAL_ID}0`, '*'.repeat(43)])('rejects the external id "%s"', (id) => {
    expect(() => render(role, { ...trusted, ExternalId: id })).toThrow('ExternalId must not be')
  })

  it('rejects parameters that are not models or profiles', () => {
    const given = (parameters: object) => () => render(role, { ...trusted, ...parameters })
    expect(given({ AllowedModels: 'a,b/c' })).toThrow('AllowedModels')
    expect(given({ AllowedInferenceProfiles: 'foundation-model/a' })).toThrow('AllowedInferenceProfiles')
  })

  it.each([
    [undefined],
    [['amazon.nova-*', 'meta.llama3-1-8b-instruct-v1:0']],
    [['eu.anthropic.claude-*', '*.amazon.nova-pro-v1:0']],
    [['amazon.nova-*', 'eu.amazon.nova-*', '*opus*']],
  ])('equals, with the launch link for the models %j, the policies that the admin API shows', (allowedModels) => {
    const trust = roleTrust(connection(allowedModels), { principalArn: PRINCIPAL, templateUrl: 'https://s3/x.yaml' })
    const parameters = launchParameters(trust.launchUrl)
    for (const name of Object.keys(parameters)) expect(role.Parameters[name]?.NoEcho ?? false).toBe(false)
    const { resources } = render(role, parameters)
    expect(resources.Role?.Properties).toMatchObject({
      RoleName: 'prod',
      Path: '/sluice/',
      AssumeRolePolicyDocument: trust.trustPolicy,
    })
    // The policies that the admin API shows name the account in every ARN, so they need no deny statement.
    const {
      SluiceForThisConnection: _,
      InferenceProfilesOfThisAccountOnly: __,
      ...permissions
    } = statementsOf(role, parameters)
    const inLists = (text: string) => text.replaceAll(/arn:(aws|\*):bedrock:\*:(444455556666|\*)?:/g, 'arn::')
    expect(JSON.parse(inLists(JSON.stringify(Object.values(permissions))))).toEqual(
      JSON.parse(inLists(JSON.stringify(trust.permissionsPolicy.Statement))),
    )
  })

  function connection(allowedModels: string[] | undefined): Connection {
    return {
      ...DEFAULT_SETTINGS,
      ...(allowedModels === undefined ? {} : { allowedModels }),
      id: '01890a5d-ac96-774b-bcce-b302099a8057',
      name: 'bedrock',
      provider: 'aws-bedrock',
      config: {
        region: 'eu-central-1',
        iamRoleArn: 'arn:aws:iam::444455556666:role/sluice/prod',
        externalId: EXTERNAL_ID,
      },
      version: 1,
      createdAt: new Date(0),
      updatedAt: new Date(0),
    }
  }

  function launchParameters(url: string | undefined): Record<string, string> {
    const pairs = new URLSearchParams(new URL(url ?? '').hash.split('?')[1])
    const parameters = [...pairs].filter(([name]) => name.startsWith('param_'))
    return Object.fromEntries(parameters.map(([name, value]) => [name.slice('param_'.length), value]))
  }
})

describe('the key', () => {
  const { Key } = render(key, used).resources
  const statements = statementsOf(key, used)
  const uses = [statements.ServiceWrapsCredentials, statements.ServiceWrapsItsSealingKey]

  it('rotates and is retained when the stack is deleted', () => {
    expect(Key).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
    expect(Key?.Properties).toMatchObject({
      EnableKeyRotation: true,
      KeySpec: 'SYMMETRIC_DEFAULT',
      PendingWindowInDays: 30,
    })
  })

  it('permits the service exactly the calls that it makes', () => {
    const rewrap = ['kms:Encrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo']
    for (const use of uses) expect(actionsOf(use)).toEqual(['kms:GenerateDataKey', 'kms:Decrypt', ...rewrap])
    expect(actionsOf(statements.ServiceLooksUp)).toEqual(['kms:DescribeKey'])
    const withoutRewrap = statementsOf(key, { ...used, AllowRewrap: 'false' })
    expect(actionsOf(withoutRewrap.ServiceWrapsCredentials)).toEqual(['kms:GenerateDataKey', 'kms:Decrypt'])
  })

  it('lets the account administer it, but neither use it nor grant its use', () => {
    const { AccountAdministers, ...others } = statements
    expect(AccountAdministers?.Principal).toEqual({ AWS: 'arn:aws:iam::444455556666:root' })
    const actions = actionsOf(AccountAdministers)
    expect(actions).toContain('kms:PutKeyPolicy')
    expect(actions.filter((action) => /Encrypt|Decrypt|DataKey|CreateGrant|Mac|Sign/.test(action))).toEqual([])
    for (const { Principal } of Object.values(others)) expect(Principal).toEqual({ AWS: PRINCIPAL })
  })

  it('permits only the encryption contexts of the service', () => {
    const credential = encryptionContext(credentialContext({ connectionId: 'a', provider: 'openai', version: 1 }))
    const sealingKey = encryptionContext(sealingKeyContext('b'))
    const isPermitted = (context: Record<string, string>) => uses.some((use) => holds(use?.Condition ?? {}, context))
    expect([credential, sealingKey].map(isPermitted)).toEqual([true, true])
    for (const wrong of [
      {},
      { connectionId: 'a' },
      { version: '1' },
      { ...credential, more: 'x' },
      { ...sealingKey, purpose: 'other' },
      { purpose: 'sealing-key' },
      { connectionId: 'a', publicKey: 'b' },
    ]) {
      expect(isPermitted(wrong)).toBe(false)
    }
  })

  /**
   * Evaluates a condition as IAM does:
   * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_multi-value-conditions.html
   */
  function holds(condition: NonNullable<Statement['Condition']>, context: Record<string, string>): boolean {
    const single = (name: string) => context[name.replace('kms:EncryptionContext:', '')]
    const operators: Record<string, (name: string, expected: readonly string[]) => boolean> = {
      'ForAllValues:StringEquals': (name, expected) =>
        name === 'kms:EncryptionContextKeys' && Object.keys(context).every((present) => expected.includes(present)),
      StringEquals: (name, expected) => expected.includes(single(name) ?? ''),
      Null: (name, expected) => expected.includes(String(single(name) === undefined)),
    }
    return Object.entries(condition).every(([operator, keys]) =>
      Object.entries(keys).every(([name, expected]) => operators[operator]?.(name, [expected].flat()) === true),
    )
  }
})
