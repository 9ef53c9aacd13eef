import type { ProviderId } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { providerAdapter } from '@sluice/providers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { probeWith, respondingServer, simulatedProvider, targetAt, WRONG_KEY } from './support/probed-provider.ts'

const WITH_KEYS: ProviderId[] = ['openai', 'anthropic', 'google', 'groq']

describe.each(WITH_KEYS)('%s', (provider) => {
  let simulator: ProviderSimulator
  beforeAll(async () => {
    simulator = await simulatedProvider(provider)
  })
  afterAll(() => simulator.stop())
  beforeEach(() => simulator.controls.clear())

  it('redacts a key that the provider repeats', async () => {
    simulator.controls.add({ echoApiKey: true })
    const { error } = await probeWith(simulator.url).test(targetAt(provider, simulator.url, WRONG_KEY))
    expect(error).toMatchObject({ code: 'invalid_credential', message: expect.stringContaining('[redacted]') })
    expect(error?.message).not.toContain(WRONG_KEY.slice(8, 16))
  })

  it('sends the key in the header that the gateway sends it in, and in no other', async () => {
    const received: unknown[] = []
    const url = await respondingServer(({ headers }, response) => {
      received.push([headers.authorization, headers['x-api-key'], headers['x-goog-api-key']])
      response.writeHead(404).end()
    })
    const target = targetAt(provider, url)
    const { error } = await probeWith(url).test(target)
    expect(error?.code).toBe('untested')
    const sent = providerAdapter(provider).authHeaders(target.config) ?? {}
    expect(received).toEqual([[sent.authorization, sent['x-api-key'], sent['x-goog-api-key']]])
  })

  it('does not follow a redirect', async () => {
    const requests: string[] = []
    const url = await respondingServer((request, response) => {
      requests.push(String(request.url))
      response.writeHead(307, { location: `http://${request.headers.host}/elsewhere` }).end()
    })
    expect(await probeWith(url).test(targetAt(provider, url))).toMatchObject({
      ok: false,
      error: { code: 'provider_error' },
    })
    expect(requests).toHaveLength(1)
    expect(requests).not.toContain('/elsewhere')
  })

  it.each([
    ['a page', 'text/html', '<html>Welcome</html>'],
    ['another document', 'application/json', '{"hello": "world"}'],
    ['nothing', 'application/json', 'null'],
  ])('does not take %s for a list of models', async (_, contentType, body) => {
    const url = await respondingServer((_request, response) =>
      response.writeHead(200, { 'content-type': contentType }).end(body),
    )
    expect(await probeWith(url).test(targetAt(provider, url))).toMatchObject({
      ok: false,
      error: { code: 'provider_error' },
    })
  })
})

it('reports a valid key when only the model is missing', async () => {
  const simulator = await simulatedProvider('google')
  onTestFinished(() => simulator.stop())
  const target = { ...targetAt('google', simulator.url), allowedModels: ['gemini-0-none'] }
  const { error } = await probeWith(simulator.url).test(target)
  expect(error).toMatchObject({
    code: 'model_unavailable',
    status: 404,
    message: expect.stringContaining('gemini-0-none'),
  })
})

it('shows the words of an error that are also part of the key', async () => {
  const url = await respondingServer((_request, response) => {
    const error = { message: 'An API key is required, and "sk-no-key-required" is wrong.' }
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
  })
  const { error } = await probeWith(url).test(targetAt('openai', url, 'sk-no-key-required'))
  expect(error?.message).toBe('An API key is required, and "[redacted]" is wrong.')
})

it('sends the key in the header that the connection names, and in no other', async () => {
  const received: unknown[] = []
  const url = await respondingServer(({ headers }, response) => {
    received.push([headers.authorization, headers['api-key']])
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[{"id":"gpt-4.1"}]}')
  })
  const target = targetAt('openai', url)
  const test = (config: object) => probeWith(url).test({ ...target, config: { ...target.config, ...config } })
  expect(await test({ apiKeyHeader: 'api-key' })).toMatchObject({ ok: true, models: ['gpt-4.1'] })
  expect(await test({})).toMatchObject({ ok: true })
  expect(received).toEqual([
    [undefined, expect.stringMatching(/./)],
    [expect.stringMatching(/^Bearer ./), undefined],
  ])
})
