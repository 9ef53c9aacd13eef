import type { AwsSimulator } from '@sluice/aws-simulator'
import type { ProviderId } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { freePort } from '@sluice/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderProbeOptions } from '../src/probes/provider-probe.ts'
import {
  probeWith,
  RIGHT_KEY,
  respondingServer,
  simulatedAws,
  simulatedProvider,
  targetAt,
  WRONG_KEY,
} from './support/probed-provider.ts'

type Options = Partial<ProviderProbeOptions>

const PROVIDERS: ProviderId[] = ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock']

describe.each(PROVIDERS)('%s', (provider) => {
  let simulator: ProviderSimulator
  let aws: AwsSimulator
  beforeAll(async () => {
    ;[simulator, aws] = await Promise.all([simulatedProvider(provider), simulatedAws()])
  })
  afterAll(() => Promise.all([simulator.stop(), aws.stop()]))
  beforeEach(() => simulator.controls.clear())

  const hasKey = provider !== 'aws-bedrock'
  const test = (secret?: string, options?: Options) =>
    probeWith(aws.url, options).test(targetAt(provider, simulator.url, secret))

  it('accepts a valid connection', async () => {
    const result = await test()
    expect(result).toEqual({
      ok: true,
      latencyMs: expect.any(Number),
      ...(hasKey ? { models: expect.arrayContaining([expect.stringMatching(/^[a-z]/)]) } : {}),
    })
  })

  it('reports why the provider rejects a connection', async () => {
    const { ok, error } = await test(WRONG_KEY)
    expect(ok).toBe(false)
    expect(error).toMatchObject(
      hasKey
        ? {
            code: 'invalid_credential',
            status: provider === 'google' ? 400 : 401,
            message: expect.stringMatching(/key/i),
          }
        : { code: 'role_not_assumable', status: 403, message: expect.stringContaining('not authorized') },
    )
  })

  it.each([
    ['a fault of the provider', { kind: 'status', status: 500 }, { code: 'provider_error', status: 500 }],
    [
      'a credential that may not',
      { kind: 'status', status: 403, message: 'not authorized to perform this' },
      { code: 'forbidden', status: 403 },
    ],
    ['the provider throttling', { kind: 'rate-limit' }, { code: 'rate_limited', status: 429 }],
    ['a broken connection', { kind: 'break-before-headers' }, { code: 'unreachable' }],
  ] as const)('reports %s', async (_, fault, error) => {
    simulator.controls.add({ fault })
    simulator.requests.clear()
    expect(await test()).toMatchObject({ ok: false, error: { ...error, message: expect.stringMatching(/\w/) } })
    // Once, not again and again.
    expect(simulator.requests.counts().total).toBe(1)
  })

  it('gives up on a provider that does not respond', async () => {
    simulator.controls.add({ fault: { kind: 'hang-before-headers' } })
    const result = await test(undefined, { timeLimitMs: 250 })
    expect(result).toMatchObject({ ok: false, error: { code: 'timeout', message: expect.stringContaining('0.25 s') } })
    expect(result.latencyMs).toBeGreaterThanOrEqual(240)
    expect(result.latencyMs).toBeLessThan(2_000)
  })

  it('reports that the provider is unreachable', async () => {
    const probe = probeWith(aws.url)
    const result = await probe.test(targetAt(provider, `http://127.0.0.1:${await freePort()}`))
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
    })
  })

  it.each([
    ['a name that leads to a metadata service', 'https://upstream.test'],
    ['a metadata service', 'https://169.254.169.254'],
    ['a link-local address', 'https://[fe80::1]'],
    ['http to another machine', 'http://10.0.0.1'],
  ])('does not connect to %s', async (_, baseUrl) => {
    const lookup: Options['lookup'] = (_hostname, _options, done) =>
      done(null, [{ address: '169.254.169.254', family: 4 }])
    const result = await probeWith(aws.url, { lookup }).test(targetAt(provider, baseUrl))
    expect(result).toMatchObject({
      ok: false,
      error: {
        code: 'unreachable',
        message: expect.stringContaining('is not at an address that an upstream may have'),
      },
    })
  })

  it('sends every call to the address that the name resolved to', async () => {
    const { port } = new URL(simulator.url)
    const lookup: Options['lookup'] = (_hostname, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
    const result = await probeWith(aws.url, { lookup }).test(targetAt(provider, `http://upstream.test:${port}`))
    expect(result).toMatchObject({ ok: true })
  })
})

describe('a test', () => {
  it('lists the first thousand models, with keys redacted', async () => {
    const data = Array.from({ length: 1_500 }, (_, index) => ({
      id: index === 1 ? `model-${RIGHT_KEY}` : `model-${index}`,
    }))
    const url = await respondingServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }))
    })
    const { models } = await probeWith(url).test(targetAt('openai', url))
    expect(models).toHaveLength(1_000)
    expect(models?.slice(0, 3)).toEqual(['model-0', 'model-[redacted]', 'model-2'])
  })

  it.each(['openai', 'anthropic', 'google', 'groq'] as const)(
    'reports that a response of %s broke off',
    async (provider) => {
      const url = await respondingServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"data": [', () => response.destroy())
      })
      const { error } = await probeWith(url).test(targetAt(provider, url))
      expect(error).toMatchObject({ code: 'unreachable', message: expect.stringContaining('UND_ERR_SOCKET') })
    },
  )

  it('does not read a response that is too large', async () => {
    const chunk = ' '.repeat(1_024 * 1_024)
    const url = await respondingServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const send = () => response.write(chunk, send)
      send()
    })
    const { error } = await probeWith(url).test(targetAt('openai', url))
    expect(error?.code).toBe('provider_error')
  })

  it('is refused while too many are running, and accepted again afterwards', async () => {
    const gate = Promise.withResolvers<void>()
    const url = await respondingServer((_request, response) => {
      void gate.promise.then(() => response.writeHead(401, { 'content-type': 'application/json' }).end('{}'))
    })
    const probe = probeWith(url, { maxConcurrent: 2 })
    const test = () => probe.test(targetAt('openai', url))
    const underWay = [test(), test()]
    await expect(test()).rejects.toMatchObject({ code: 'rate_limited' })
    gate.resolve()
    await Promise.all(underWay)
    expect(await test()).toMatchObject({ error: { code: 'invalid_credential' } })
  })

  it('ends when the service stops', async () => {
    const arrived = Promise.withResolvers<void>()
    const url = await respondingServer(() => arrived.resolve())
    const probe = probeWith(url)
    const test = probe.test(targetAt('openai', url))
    await arrived.promise
    const ended = expect(test).rejects.toMatchObject({ code: 'unavailable' })
    await probe.stop()
    await ended
  })
})
