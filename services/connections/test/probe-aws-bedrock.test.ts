import type { AwsSimulator } from '@sluice/aws-simulator'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderProbeOptions } from '../src/probes/provider-probe.ts'
import { probeWith, respondingServer, simulatedAws, simulatedProvider, targetAt } from './support/probed-provider.ts'

describe('the role of a Bedrock connection', () => {
  let simulator: ProviderSimulator
  let aws: AwsSimulator
  beforeAll(async () => {
    ;[simulator, aws] = await Promise.all([simulatedProvider('aws-bedrock'), simulatedAws()])
  })
  afterAll(() => Promise.all([simulator.stop(), aws.stop()]))
  beforeEach(() => {
    simulator.controls.clear()
    aws.controls.clear()
  })

  const test = (allowedModels: readonly string[] = [], options?: Partial<ProviderProbeOptions>) =>
    probeWith(aws.url, options).test({ ...targetAt('aws-bedrock', simulator.url), allowedModels })

  it('calls the first model that is allowed by its full name, for one token', async () => {
    simulator.requests.clear()
    expect(await test(['anthropic.*', 'amazon.nova-pro-v1:0', 'amazon.nova-lite-v1:0'])).toMatchObject({ ok: true })
    const [converse] = simulator.requests.list()
    expect(converse).toMatchObject({ model: 'amazon.nova-pro-v1:0', status: 200 })
    expect(JSON.stringify(converse?.content)).toContain('maxTokens')
  })

  it('can be valid when the model is not available', async () => {
    const result = await test(['amazon.nova-unknown-v1:0'])
    expect(result).toMatchObject({ ok: false, error: { code: 'model_unavailable' } })
    expect(result.error?.message).toMatch(
      /^The role is valid, but the model "amazon\.nova-unknown-v1:0" cannot be used: /,
    )

    simulator.controls.add({ fault: { kind: 'status', status: 403 } })
    const { error } = await test()
    expect(error).toMatchObject({ code: 'model_unavailable', status: 403 })
    expect(error?.message).toMatch(/have access to the model .* name it in full in allowedModels\.$/)
  })

  it('is not assumed when the service has no AWS identity', async () => {
    const credentials = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'secret-of-nobody' }
    const { error } = await test([], { sts: { endpoint: aws.url, credentials } })
    expect(error).toMatchObject({ code: 'role_not_assumable', message: expect.stringContaining('security token') })
  })

  it.each([
    ['a fault of STS', { kind: 'status', status: 503 }, 'provider_error'],
    ['STS throttling', { kind: 'rate-limit' }, 'rate_limited'],
    ['STS hanging', { kind: 'hang-before-headers' }, 'timeout'],
  ] as const)('is not blamed for %s', async (_, fault, code) => {
    aws.controls.add({ fault })
    expect((await test([], { timeLimitMs: 500 })).error?.code).toBe(code)
  })

  it('has its session redacted when AWS repeats it', async () => {
    const url = await respondingServer((request, response) => {
      const message = `no: ${request.headers['x-amz-security-token']}`
      response.writeHead(403, { 'x-amzn-errortype': 'InvalidSignatureException' }).end(JSON.stringify({ message }))
    })
    const { error } = await probeWith(aws.url).test(targetAt('aws-bedrock', url))
    expect(error).toMatchObject({ code: 'forbidden', message: 'no: [redacted]' })
  })
})
