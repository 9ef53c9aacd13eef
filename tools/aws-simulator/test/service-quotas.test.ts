import {
  ListServiceQuotasCommand,
  paginateListServiceQuotas,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type AwsSimulator, startAwsSimulator } from '../src/aws-simulator.ts'
import { assumeRole, ROLE } from './assume-role.ts'

const QUOTAS = Array.from({ length: 250 }, (_, index) => ({ name: `quota ${index}`, value: index }))

let simulator: AwsSimulator

beforeEach(async () => {
  simulator = await startAwsSimulator({ roles: [{ ...ROLE, serviceQuotas: QUOTAS }] })
})
afterEach(() => simulator.stop())

it('lists the quotas of the account page by page', async () => {
  const pages: (string | undefined)[][] = []
  for await (const { Quotas = [] } of paginateListServiceQuotas({ client: await client() }, { ServiceCode: 'bedrock' }))
    pages.push(Quotas.map(({ QuotaName }) => QuotaName))
  expect(pages.map((page) => page.length)).toEqual([100, 100, 50])
  expect(pages.flat()).toEqual(QUOTAS.map(({ name }) => name))
})

it('returns the value of a quota, or why there is none', async () => {
  const serviceQuotas = [{ name: 'known', value: 12.5 }, { name: 'unknown' }]
  simulator.setRole({ ...ROLE, serviceQuotas })
  const { Quotas } = await (await client()).send(list())
  expect(Quotas).toMatchObject([
    { QuotaName: 'known', Value: 12.5, QuotaArn: 'arn:aws:servicequotas:eu-central-1:123456789012:bedrock/L-00000000' },
    { QuotaName: 'unknown', ErrorReason: { ErrorCode: 'SERVICE_QUOTA_NOT_AVAILABLE_ERROR' } },
  ])
  expect(Quotas?.[1]?.Value).toBeUndefined()
})

it('denies access to a role that may not list quotas', async () => {
  simulator.setRole(ROLE)
  await expect((await client()).send(list())).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining('servicequotas:ListServiceQuotas'),
  })
})

it.each([
  [{ secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
  [{ sessionToken: 'wrong' }, 'UnrecognizedClientException'],
  [{ accessKeyId: ROLE.trustedCaller.accessKeyId }, 'UnrecognizedClientException'],
])('refuses a session with %j', async (change, name) => {
  await expect((await client(change)).send(list())).rejects.toMatchObject({ name })
})

it('refuses another service, and a token beyond the end', async () => {
  await expect((await client()).send(list('ec2'))).rejects.toMatchObject({ name: 'NoSuchResourceException' })
  const beyond = new ListServiceQuotasCommand({ ServiceCode: 'bedrock', NextToken: '251' })
  await expect((await client()).send(beyond)).rejects.toMatchObject({ name: 'IllegalArgumentException' })
})

it('fails in its own format when a control says so', async () => {
  simulator.controls.add({ service: 'service-quotas', times: 1, fault: { kind: 'rate-limit' } })
  const quotas = await client()
  await expect(quotas.send(list())).rejects.toMatchObject({ name: 'TooManyRequestsException' })
  simulator.controls.add({ service: 'service-quotas', times: 1, fault: { kind: 'status', status: 500 } })
  await expect(quotas.send(list())).rejects.toMatchObject({ name: 'ServiceException' })
})

function list(ServiceCode = 'bedrock'): ListServiceQuotasCommand {
  return new ListServiceQuotasCommand({ ServiceCode })
}

async function client(change: Partial<Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken', string>> = {}) {
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = (await assumeRole(simulator)).Credentials ?? {}
  return new ServiceQuotasClient({
    endpoint: simulator.url,
    region: simulator.region,
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      ...change,
    },
    maxAttempts: 1,
  })
}
