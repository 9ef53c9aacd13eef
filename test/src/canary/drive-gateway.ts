import { expect, vi } from 'vitest'
import { type CanaryRun, echoingConnection } from './canary-run.ts'
import { ECHOES, ECHOES_WITH_SUCCESS } from './echoing-provider.ts'
import { KEYED_PROVIDERS, type KeyedProvider } from './simulated-providers.ts'

/** Sends requests that succeed, native and unified, plain and streamed, with the API key in every supported place. */
export async function callProviders({ gateway, canaries, marker }: CanaryRun): Promise<void> {
  const apiKey = canaries.get('API key')
  const prompt = canaries.make('prompt', 'Keep this to yourself: ')
  const bearer = { authorization: `Bearer ${apiKey}` }
  for (const { id, model, path, body, headers } of KEYED_PROVIDERS) {
    for (const isStream of [false, true]) {
      const sent = { headers: { ...bearer, ...headers }, body: body(model, prompt, isStream) }
      expect((await gateway(`/connections/${id}${path(model, isStream)}`, sent)).status).toBe(200)
      const unified = { headers: bearer, body: chat(`${id}/${model}`, prompt, isStream) }
      expect((await gateway('/v1/chat/completions', unified)).status).toBe(200)
    }
  }
  for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) {
    const sent = { headers: { [name]: apiKey }, body: chat('gpt-4o-mini', prompt) }
    expect((await gateway('/connections/openai/v1/chat/completions', sent)).status).toBe(200)
  }
  const generate = { body: { contents: [{ role: 'user', parts: [{ text: prompt }] }] } }
  for (const query of [`key=${apiKey}`, `%6bey=${apiKey}`]) {
    expect(
      (await gateway(`/connections/google/v1beta/models/gemini-2.5-flash:generateContent?${query}`, generate)).status,
    ).toBe(200)
  }
  for (const isStream of [false, true]) {
    for (const [path, model] of [
      [`/connections/${echoingConnection('openai')}/v1/chat/completions`, 'echo-output'],
      ['/v1/chat/completions', `${echoingConnection('openai')}/echo-output`],
    ] as const) {
      const response = await gateway(path, { headers: bearer, body: chat(model, prompt, isStream) })
      expect(response.text).toContain(canaries.get('model output'))
    }
  }
  expect((await gateway('/v1/models', { headers: bearer })).status).toBe(200)
  const toNowhere = { headers: bearer, body: chat('gpt-4o', prompt) }
  expect((await gateway(`/connections/${marker}/v1/chat/completions`, toNowhere)).status).toBe(502)
}

/** Triggers every way in which a provider repeats the key, at every endpoint. */
export async function callEchoingProvider({ gateway, canaries }: CanaryRun): Promise<void> {
  const bearer = { authorization: `Bearer ${canaries.get('API key')}` }
  const prompt = canaries.get('prompt')
  const statusesOf = async ({ id, path, body, headers }: KeyedProvider, echo: string, isStream: boolean) => {
    const [name, model] = [echoingConnection(id), `echo-${echo}`]
    const native = { headers: { ...bearer, ...headers }, body: body(model, prompt, isStream) }
    const responses = [
      await gateway(`/connections/${name}${path(model, isStream)}`, native),
      await gateway('/v1/chat/completions', { headers: bearer, body: chat(`${name}/${model}`, prompt, isStream) }),
    ]
    return responses.map(({ status }) => status)
  }
  const path = `/connections/${echoingConnection('google')}/v1beta/models/echo-body:generateContent`
  // It repeats the whole request, including the model's name, so its 401 is not recognized as a rejected credential and
  // is passed on.
  for (const query of [`key=${canaries.get('API key')}`, `a=b&%6bey=${canaries.get('API key')}&c=d`]) {
    expect((await gateway(`${path}?${query}`, { body: { contents: [] } })).status).toBe(401)
  }
  for (const name of ['x-api-key', 'x-goog-api-key', 'api-key']) {
    const request = { headers: { [name]: canaries.get('API key') }, body: { contents: [] } }
    expect((await gateway(path, request)).status).toBe(401)
  }
  for (const provider of KEYED_PROVIDERS) {
    for (const isStream of [false, true]) {
      for (const echo of ECHOES) {
        for (const status of await statusesOf(provider, echo, isStream)) expect(status).toBeGreaterThanOrEqual(400)
      }
      for (const echo of ECHOES_WITH_SUCCESS) await statusesOf(provider, echo, isStream)
    }
    await gateway(
      `/connections/${echoingConnection(provider.id)}/${provider.id === 'groq' ? 'openai/v1' : 'v1'}/models`,
      {
        headers: { ...bearer, ...provider.headers },
      },
    )
  }
}

/** Sends requests that the gateway itself refuses. */
export async function callWrongly({ gateway, canaries }: CanaryRun): Promise<void> {
  const bearer = { authorization: `Bearer ${canaries.get('API key')}` }
  const prompt = canaries.get('prompt')
  const unknown = canaries.make('unknown API key', 'slc_')
  const native = '/connections/openai/v1/chat/completions'
  for (const path of [native, '/v1/chat/completions', '/v1/embeddings']) {
    const refused = [
      { headers: { authorization: `Bearer ${unknown}` }, body: chat('gpt-4o', prompt) },
      { headers: { 'x-api-key': unknown }, body: chat('gpt-4o', prompt) },
      { headers: bearer, body: `{"model": "openai/gpt-4o", "messages": "${prompt}` },
      { headers: bearer, body: chat('openai/gpt-4o', prompt.repeat(5_000)) },
      { headers: { ...bearer, 'x-sluice-max-wait': prompt }, body: chat('openai/gpt-4o', prompt) },
    ]
    for (const request of refused) expect((await gateway(path, request)).status).toBeGreaterThanOrEqual(400)
    expect((await gateway(`${path}?key=${unknown}`, { body: {} })).status).toBe(401)
  }
  const misshapen = [
    { messages: prompt },
    { messages: [{ role: prompt, content: prompt }] },
    { messages: [{ role: 'user', content: [{ type: prompt, text: prompt }] }] },
    { messages: [{ role: 'user', content: prompt, [prompt]: prompt }], temperature: prompt },
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: prompt } }] }] },
  ]
  for (const body of misshapen) {
    for (const { id, model } of KEYED_PROVIDERS.filter(({ id }) => id === 'anthropic' || id === 'google')) {
      await gateway('/v1/chat/completions', { headers: bearer, body: { model: `${id}/${model}`, ...body } })
    }
  }
  await gateway(native, { headers: { ...bearer, 'content-type': 'text/plain' }, body: prompt })
  await gateway(`/%zz?key=${unknown}`, {})
}

/** Kills a gateway while a provider has not responded yet. */
export async function killGateway({ system, gateway, canaries, echoing }: CanaryRun): Promise<void> {
  const pid = () => system.stack.processes().find(({ name }) => name === 'gateway-1')?.pid
  const killed = pid()
  const headers = { authorization: `Bearer ${canaries.get('API key')}` }
  const path = `/connections/${echoingConnection('openai')}/v1/chat/completions`
  const sent = gateway(path, { headers, body: chat('echo-hang', canaries.get('prompt')) })
  const broken = expect(sent).rejects.toThrow()
  await vi.waitFor(() => expect(echoing.hanging()).toBe(1), { timeout: 5_000 })
  if (killed === undefined) throw new Error('no gateway is running')
  process.kill(killed, 'SIGKILL')
  await broken
  await vi.waitFor(() => expect(pid()).not.toBe(killed), { timeout: 20_000 })
  const again = () => gateway(path, { headers, body: chat('echo-body', canaries.get('prompt')) })
  await vi.waitFor(async () => expect((await again()).status).toBe(502), { timeout: 20_000 })
}

function chat(model: string, prompt: string, isStream = false): object {
  return { model, messages: [{ role: 'user', content: prompt }], ...(isStream ? { stream: true } : {}) }
}

const ROLE_ARN = 'arn:aws:iam::123456789012:role/bedrock'
const REGION = 'eu-central-1'

/** Sends requests with a role that is first refused and then assumed. */
export async function callBedrock({ admin, gateway, connect, canaries, providers }: CanaryRun): Promise<void> {
  const bedrock = providers.of('aws-bedrock')
  const config = { region: REGION, iamRoleArn: ROLE_ARN, baseUrl: bedrock.url }
  const made = await connect({ name: 'bedrock', provider: 'aws-bedrock', config })
  const headers = { authorization: `Bearer ${canaries.get('API key')}` }
  const body = { messages: [{ role: 'user', content: [{ text: canaries.get('prompt') }] }] }
  const call = () => gateway('/connections/bedrock/model/amazon.nova-lite-v1%3A0/converse', { headers, body })
  expect((await call()).status).toBeGreaterThanOrEqual(400)
  expect((await admin(`/connections/${made.id}/test`, { method: 'POST' })).text).toContain('role_not_assumable')

  bedrock.accounts.register({ apiKey: 'aws', role: { arn: ROLE_ARN, region: REGION } })
  providers.aws.setRole({
    arn: ROLE_ARN,
    externalId: String(made.config.externalId),
    trustedCaller: { accessKeyId: 'AKIACANARY', secretAccessKey: canaries.get('secret of AWS') },
  })
  await vi.waitFor(async () => expect((await call()).status).toBe(200), { timeout: 15_000 })
  expect((await admin(`/connections/${made.id}/test`, { method: 'POST' })).text).toContain('"ok":true')
  expect((await admin(`/connections/${made.id}/role-trust`)).status).toBe(200)
  const tokens = bedrock.requests.list().flatMap(({ content }) => content?.headers['x-amz-security-token'] ?? [])
  expect(tokens.length).toBeGreaterThan(0)
  for (const token of new Set(tokens)) canaries.add(`session token ${token.slice(-6)}`, token)
}
