import { startProviderSimulator } from '@sluice/provider-simulator'
import { afterEach, expect, it, vi } from 'vitest'
import { serviceQuotas } from './service-quotas.ts'

const ROLE = { arn: 'arn:aws:iam::123456789012:role/bedrock', externalId: 'external-1', region: 'eu-central-1' }
const CALLER = { accessKeyId: 'AKIADISCOVERY', secretAccessKey: 'secret-of-discovery' }

afterEach(() => {
  vi.unstubAllEnvs()
})

it('gives up in time where AWS takes a call and never answers', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', CALLER.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CALLER.secretAccessKey)
  const role = { ...ROLE, trustedCaller: CALLER, serviceQuotas: [] }
  const simulator = await startProviderSimulator({ provider: 'aws-bedrock', accounts: [{ apiKey: 'aws', role }] })
  simulator.controls.add({ pathPrefix: '/service-quotas', fault: { kind: 'hang-before-headers' } })
  const endpoint = `${simulator.url}/service-quotas`
  const source = serviceQuotas({ stsEndpoint: simulator.url, endpoint, withinMs: 500 })
  const startedAtMs = Date.now()
  await expect(source.quotasOf(ROLE)).rejects.toMatchObject({ code: 'upstream_unreachable' })
  // An attempt by itself has four seconds.
  expect(Date.now() - startedAtMs).toBeLessThan(3_000)
  source.stop()
})
