import { validate } from '@sluice/contracts'
import { ConfigError } from '@sluice/service-kit'
import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RoleTrust } from '../src/role-trust/role-trust.ts'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

const PRINCIPAL = 'arn:aws:iam::111122223333:role/sluice'
const config = { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::444455556666:role/sluice-prod' }

let nats: TestNats
let database: TestDatabase
let connections: TestConnections

const start = (env: Record<string, string>) =>
  startConnections({ natsUrl: nats.url, databaseUrl: database.url, everyProvider: true, env })

beforeAll(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  connections = await start({
    AWS_PRINCIPAL_ARN: PRINCIPAL,
    CFN_TEMPLATE_URL: 'https://templates.s3.amazonaws.com/bedrock-iam-role.yaml',
  })
})
afterAll(async () => {
  await connections.stop()
  await Promise.all([nats.stop(), database.drop()])
})

const create = async (name: string, given: object) => {
  const { status, body } = await connections.call('POST', '/api/v1/connections', { name, ...given })
  expect(status).toBe(201)
  return body
}
const trustOf = (id: string, headers?: Record<string, string>) =>
  connections.call('GET', `/api/v1/connections/${id}/role-trust`, undefined, headers)

it('returns the trust policy with the connection’s own external id, and the link that creates its role', async () => {
  for (const name of ['one', 'other']) {
    const created = await create(name, { provider: 'aws-bedrock', config, allowedModels: ['amazon.nova-*'] })
    const { externalId } = created.config
    const { status, body } = await trustOf(created.id)
    expect(status).toBe(200)
    expect(validate(RoleTrust, body).valid).toBe(true)
    expect(body).toMatchObject({ roleArn: config.iamRoleArn, externalId, trustedPrincipalArn: PRINCIPAL, missing: [] })
    const [statement] = body.trustPolicy.Statement
    expect(statement.Principal).toEqual({ AWS: PRINCIPAL })
    expect(statement.Condition).toEqual({ StringEquals: { 'sts:ExternalId': externalId } })
    expect(body.permissionsPolicy.Statement[0].Resource).toEqual(['arn:aws:bedrock:*::foundation-model/amazon.nova-*'])
    expect(body.launchUrl).toContain(`&param_ExternalId=${externalId}&`)
  }
})

it('returns 404 for a connection without a role and for an unknown one, and 401 without a token', async () => {
  const { id } = await create('openai', { ...openAiConnection, name: 'openai' })
  const withoutRole = await trustOf(id)
  expect([withoutRole.status, withoutRole.body.code]).toEqual([404, 'not_found'])
  expect(withoutRole.body.detail).toBe('Connection "openai" uses no IAM role: its provider is openai.')
  expect((await trustOf('01890a5d-ac96-774b-bcce-b302099a8057')).body.detail).toBe(
    'There is no connection with the id 01890a5d-ac96-774b-bcce-b302099a8057.',
  )
  expect((await trustOf(id, { authorization: 'Bearer slo_x' })).status).toBe(401)
})

it('describes the response in OpenAPI, with its optional members', async () => {
  const { body } = await connections.call('GET', '/api/v1/openapi.json')
  const { responses } = body.paths['/api/v1/connections/{id}/role-trust'].get
  const { required } = responses['200'].content['application/json'].schema
  expect(required).toEqual(['roleArn', 'externalId', 'permissionsPolicy', 'missing'])
})

it.each([
  ['AWS_PRINCIPAL_ARN', '*'],
  ['AWS_PRINCIPAL_ARN', 'arn:aws:iam::111122223333:role/*'],
  ['AWS_PRINCIPAL_ARN', 'arn:aws:sts::111122223333:assumed-role/sluice/session'],
  ['CFN_TEMPLATE_URL', 'http://templates.s3.amazonaws.com/bedrock-iam-role.yaml'],
])('the service does not start with %s=%s', async (name, value) => {
  await expect(start({ [name]: value })).rejects.toThrow(ConfigError)
})
