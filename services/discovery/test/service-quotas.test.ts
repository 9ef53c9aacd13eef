import { startAwsSimulator } from '@sluice/aws-simulator'
import { afterEach, expect, it, vi } from 'vitest'
import { serviceQuotas } from '../src/quotas/service-quotas.ts'

const ROLE = { arn: 'arn:aws:iam::123456789012:role/bedrock', externalId: 'external-1' }
const CALLER = { accessKeyId: 'AKIADISCOVERY', secretAccessKey: 'secret-of-discovery' }

afterEach(() => {
  vi.unstubAllEnvs()
})

it('gives up in time if AWS takes a call and never responds', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', CALLER.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CALLER.secretAccessKey)
  const aws = await startAwsSimulator({ roles: [{ ...ROLE, trustedCaller: CALLER, serviceQuotas: [] }] })
  aws.controls.add({ service: 'service-quotas', fault: { kind: 'hang-before-headers' } })
  const source = serviceQuotas({ stsEndpoint: aws.url, endpoint: aws.url, withinMs: 500 })
  const startedAtMs = Date.now()
  await expect(source.quotasOf({ ...ROLE, region: aws.region })).rejects.toMatchObject({ code: 'upstream_unreachable' })
  // An attempt by itself has four seconds.
  expect(Date.now() - startedAtMs).toBeLessThan(3_000)
  source.stop()
  await aws.stop()
})
