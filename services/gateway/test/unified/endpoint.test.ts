import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { beforeEach, describe, expect, it } from 'vitest'
import { postJson, sendRequest } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { clientOf, raised, startUnifiedPath } from '../support/unified-client.ts'

/** Properties of the unified endpoint that hold for every provider. */
const MODEL = 'gpt-4.1-mini'
const MESSAGES = [{ role: 'user' as const, content: 'What does a sluice do?' }]

const path = startBeforeAll(() => startUnifiedPath('openai'))

beforeEach(() => {
  path.simulator.controls.clear()
  path.simulator.requests.clear()
})

const send = (model: string, key?: string) => clientOf(path, key).chat.completions.create({ model, messages: MESSAGES })

describe('refuses', () => {
  it('clients without an API key, or with an invalid one', async () => {
    await raised(send('any/model', 'slc_unknown'), OpenAI.AuthenticationError, /not whole/)
    const { status, headers } = await sendRequest(`${path.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      body: '{}',
    })
    expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer'])
    expect((await sendRequest(`${path.gateway.url}/v1/models`)).status).toBe(401)
  })

  it('models without a connection, or whose connection is unknown, not for this key, or disabled', async () => {
    expect(await raised(send(MODEL), OpenAI.BadRequestError, /"CONNECTION\/MODEL"/)).toMatchObject({ param: 'model' })
    await raised(send(`/${MODEL}`), OpenAI.BadRequestError)
    await raised(send('nowhere/'), OpenAI.BadRequestError)
    await raised(send(`nowhere/${MODEL}`), OpenAI.NotFoundError, /no connection "nowhere"/)
    const { settings } = await path.connect()
    const stranger = await path.gateway.apiKey({ connections: ['another'] })
    await eventually(() =>
      raised(send(`${settings.name}/${MODEL}`, stranger), OpenAI.PermissionDeniedError, /may not use/),
    )
    await path.gateway.connection({ ...settings, baseUrl: path.simulator.url, enabled: false })
    const disabled = await eventually(() =>
      raised(send(`${settings.name}/${MODEL}`), OpenAI.PermissionDeniedError, /is disabled/),
    )
    expect(disabled.headers?.get('x-sluice-connection')).toBe(settings.name)
    expect(path.simulator.requests.counts().total).toBe(0)
  })

  it('models that the connection does not allow', async () => {
    const { settings } = await path.connect({ allowedModels: ['gpt-4o*'] })
    const error = await raised(send(`${settings.name}/${MODEL}`), OpenAI.PermissionDeniedError)
    expect(error.code).toBe('model_not_allowed')
    expect(path.simulator.requests.counts().total).toBe(0)
  })

  it.each([
    ['no JSON', '{"model": "a/b"', 'application/json'],
    ['no object', '["a/b"]', 'application/json'],
    ['no JSON type', '{"model": "a/b"}', 'text/plain'],
    ['nothing', '', 'application/json'],
  ])('a body that is %s', async (_, body, type) => {
    const url = `${path.gateway.url}/v1/chat/completions`
    const response = await postJson(url, path.apiKey, body, { 'content-type': type })
    expect(response.status).toBe(400)
    expect(JSON.parse(response.body.toString())).toMatchObject({ error: { code: 'invalid_request' } })
    expect(response.headers['x-sluice-source']).toBe('gateway')
  })

  it.each([
    ['POST', '/v1/images/generations', 404, /has nothing at POST \/v1\/images\/generations.*path of OpenAI's API/],
    ['POST', '/v1/responses', 404, /path of OpenAI's API: put the connection before it, .*\/connections\/NAME\/v1/],
    ['POST', '/v1/completions', 404, /POST \/v1\/chat\/completions/],
    ['GET', '/v1/models/prod/gpt-5', 404, /has nothing at GET \/v1\/models\/prod\/gpt-5.*GET \/v1\/models/],
    ['GET', '/v1', 404, /POST \/v1\/chat\/completions, POST \/v1\/embeddings and GET \/v1\/models/],
    ['GET', '/v1/chat/completions', 405, /takes POST, not GET/],
    ['DELETE', '/v1/models', 405, /takes GET and HEAD, not DELETE/],
  ])('another operation or method, and names the existing ones: %s %s', async (method, route, expected, message) => {
    const headers = { authorization: `Bearer ${path.apiKey}` }
    const { status, body, headers: fields } = await sendRequest(`${path.gateway.url}${route}`, { method, headers })
    expect(status).toBe(expected)
    expect(fields['x-sluice-source']).toBe('gateway')
    expect(JSON.parse(body.toString())).toEqual({
      error: {
        message: expect.stringMatching(message),
        type: 'invalid_request_error',
        param: null,
        code: 'unsupported_operation',
      },
    })
  })
})

it('changes only the model’s name in a request to a provider with OpenAI’s API', async () => {
  const { settings } = await path.connect()
  const text = (model: string) =>
    `{ "messages":[{"role":"user","content":"naïve \\u2603"}],  "model" : "${model}",\n"seed":1e0 }`
  await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, text(`${settings.name}/${MODEL}`))
  expect(path.simulator.requests.list()[0]?.content?.body).toBe(text(MODEL))
})

describe('lists models', () => {
  it('of every connection that the key may use, as far as it allows them', async () => {
    const all = await path.connect({ allowedModels: ['gpt-4.1*'] })
    const other = await path.connect()
    const apiKey = await path.gateway.apiKey({ connections: [all.settings.id] })
    const list = () => clientOf(path, apiKey).models.list()
    const { data } = await eventually(list)
    const ids = data.map(({ id }) => id)
    expect(ids).toContain(`${all.settings.name}/${MODEL}`)
    expect(ids.every((id) => id.startsWith(`${all.settings.name}/gpt-4.1`))).toBe(true)
    expect(ids.join()).not.toContain(other.settings.name)
    expect(data[0]).toMatchObject({ object: 'model', owned_by: 'openai', created: expect.any(Number) })
  })

  it('after requesting each provider once in a while, with a permit of the connection', async () => {
    const { settings, isCharged } = await path.connect()
    const apiKey = await path.gateway.apiKey({ connections: [settings.id] })
    const { models } = clientOf(path, apiKey)
    await eventually(() => models.list())
    await Promise.all([models.list(), models.list()])
    expect(path.simulator.requests.counts().total).toBe(1)
    await isCharged({ requests: 1, tokens: 0 })
  })

  it('without a permit if the credential is unavailable', async () => {
    const { settings, isCharged } = await path.connect({ apiKey: null })
    const apiKey = await path.gateway.apiKey({ connections: [settings.id] })
    const list = await eventually(() => clientOf(path, apiKey).models.list())
    expect(list).toMatchObject({ data: [], body: { unavailable_connections: [settings.name] } })
    await isCharged({ requests: 0, tokens: 0 })
  })

  it('that the connection itself names if its provider does not respond, and says so', async () => {
    path.simulator.controls.add({ fault: { kind: 'status', status: 503 } })
    const { settings } = await path.connect({ allowedModels: ['my-model', 'gpt-*'] })
    const apiKey = await path.gateway.apiKey({ connections: [settings.id] })
    const list = await eventually(() => clientOf(path, apiKey).models.list())
    expect(list.data.map(({ id }) => id)).toEqual([`${settings.name}/my-model`])
    expect(list).toMatchObject({ body: { unavailable_connections: [settings.name] } })
  })
})
