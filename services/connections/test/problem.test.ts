import { createConnection } from 'node:net'
import { createAccessToken } from '@sluice/service-kit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())

const SECRET = 'sk-quoted-0123456789'

it.each([
  ['invalid JSON', 'POST', '/api/v1/connections', `{"config": {"apiKey": ${SECRET}`, {}, 400, 'invalid_request'],
  ['an empty body', 'POST', '/api/v1/connections', '', {}, 400, 'invalid_request'],
  ['a poisoned prototype', 'POST', '/api/v1/connections', '{"__proto__": {"x": 1}}', {}, 400, 'invalid_request'],
  ['text', 'POST', '/api/v1/connections', SECRET, { 'content-type': 'text/plain' }, 415, 'invalid_request'],
  [
    'a form',
    'PATCH',
    '/api/v1/connections/x',
    'a=1',
    { 'content-type': 'multipart/form-data' },
    415,
    'invalid_request',
  ],
  ['too large a body', 'POST', '/api/v1/api-keys', `"${'x'.repeat(300_000)}"`, {}, 413, 'payload_too_large'],
  ['an unknown path', 'GET', '/api/v1/nothing', undefined, {}, 404, 'not_found'],
  ['an unknown path outside the API', 'GET', '/nothing', undefined, {}, 404, 'not_found'],
  ['an unknown method', 'PUT', '/api/v1/connections', '{}', {}, 405, 'method_not_allowed'],
  ['a malformed address', 'GET', '/api/v1/connections/%zz', undefined, {}, 400, 'invalid_request'],
])('%s is a problem', async (_, method, path, body, headers, status, code) => {
  const response = await fetch(connections.adminUrl + path, {
    method,
    headers: {
      authorization: `Bearer ${connections.operatorToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(JSON.parse(text)).toMatchObject({ type: 'about:blank', status, code })
  expect(response.status).toBe(status)
  expect(response.headers.get('x-request-id')).toBe(JSON.parse(text).requestId)
  expect(text + connections.logs()).not.toContain(SECRET)
})

it.each([
  ['no JSON', 'POST', '/api/v1/connections', '{', expect.stringContaining('at byte 2 (line 1, column 2)')],
  ['a bad escape', 'GET', '/api/v1/connections/%zz', undefined, expect.stringMatching('The URL is malformed')],
  ['an empty body', 'POST', '/api/v1/api-keys', '', expect.stringMatching('The request needs a body')],
  ['an empty change', 'PATCH', '/api/v1/connections/x', '', expect.stringMatching('The request needs a body')],
])('explains what is wrong with %s', async (_, method, path, body, detail) => {
  const authorization = `Bearer ${connections.operatorToken}`
  const response = await fetch(connections.adminUrl + path, {
    method,
    headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body }),
  })
  expect(await response.json()).toMatchObject({ status: 400, code: 'invalid_request', detail })
})

it('reports a missing body', async () => {
  const response = await connections.call('POST', '/api/v1/connections')
  expect(response.status).toBe(400)
  expect(response.body.errors).toEqual([{ field: '', message: 'must be an object' }])
})

it.each([
  ['none', undefined],
  ['no bearer', 'Basic YTpi'],
  ['none of ours', 'Bearer abc'],
  ['with a wrong checksum', `Bearer slo_${'0'.repeat(49)}`],
  ['well-formed but unknown', `Bearer ${createAccessToken('slo')}`],
  ['an API key', `Bearer ${createAccessToken('slc')}`],
])('a token that is %s is refused, before anything else is looked at', async (_, authorization) => {
  for (const [method, path, body] of [
    ['GET', '/api/v1/connections'],
    ['GET', '/api/v1/openapi.json'],
    ['POST', '/api/v1/connections', 'no json'],
  ] as const) {
    const response = await fetch(connections.adminUrl + path, {
      method,
      headers: authorization === undefined ? {} : { authorization },
      ...(body === undefined ? {} : { body }),
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
  }
})

it('responds with a problem to bytes that are not HTTP, and to headers that are too long', async () => {
  expect(await rawResponse('nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json.*"status":400/s)
  const long = `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await rawResponse(long)).toMatch(/^HTTP\/1\.1 431 /)
})

it('returns the catalogue, with the secret fields', async () => {
  const { body } = await connections.call('GET', '/api/v1/providers')
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual([
    'openai',
    'anthropic',
    'google',
    'groq',
    'aws-bedrock',
  ])
  expect(body.items[0]).toMatchObject({
    name: 'OpenAI',
    available: true,
    secretFields: ['apiKey'],
    config: { type: 'object', required: ['apiKey'], properties: { apiKey: { type: 'string', writeOnly: true } } },
  })
})

it('describes itself in OpenAPI', async () => {
  const { status, body } = await connections.call('GET', '/api/v1/openapi.json')
  expect(status).toBe(200)
  expect(body.openapi).toBe('3.1.0')
  expect(Object.keys(body.paths)).toEqual(
    expect.arrayContaining(['/api/v1/connections', '/api/v1/connections/{id}', '/api/v1/api-keys/{id}']),
  )
  expect(body.paths['/api/v1/connections'].post.requestBody.content['application/json'].schema.required).toEqual([
    'name',
    'provider',
    'config',
  ])
})

it('describes authentication, error responses and If-Match', async () => {
  const { body } = await connections.call('GET', '/api/v1/openapi.json')
  expect(body.components.securitySchemes.operatorToken).toMatchObject({ type: 'http', scheme: 'bearer' })
  expect(body.components.securitySchemes.session).toMatchObject({
    type: 'apiKey',
    in: 'cookie',
    name: 'sluice_session',
  })
  expect(body.security).toEqual([{ operatorToken: [] }, { session: [] }])
  expect(body.paths['/api/v1/session'].post.security).toEqual([])
  expect(body.components.schemas.Problem.properties).toHaveProperty('code')
  const { post } = body.paths['/api/v1/connections']
  const { schema } = post.responses.default.content['application/problem+json']
  expect(schema).toEqual({ $ref: '#/components/schemas/Problem' })
  const { patch, delete: remove } = body.paths['/api/v1/connections/{id}']
  for (const { parameters } of [patch, remove])
    expect(parameters).toContainEqual(expect.objectContaining({ in: 'header', name: 'if-match', required: false }))
})

it('reports health and readiness without a token', async () => {
  const health = await fetch(`${connections.adminUrl}/healthz`)
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
  expect((await fetch(`${connections.adminUrl}/readyz`)).status).toBe(200)
})

it('reports that another service is unavailable', async () => {
  const { body } = await connections.call('POST', '/api/v1/connections', openAiConnection)
  for (const what of ['capacity', 'discovered-capacity', 'usage']) {
    const response = await connections.call('GET', `/api/v1/connections/${body.id}/${what}`)
    expect(response.status, what).toBe(503)
    expect(response.body.code).toBe('unavailable')
    expect(response.headers.get('retry-after')).toBe('1')
  }
})

function rawResponse(bytes: string): Promise<string> {
  const { hostname, port } = new URL(connections.adminUrl)
  return new Promise((resolve, reject) => {
    let response = ''
    const socket = createConnection({ host: hostname, port: Number(port) }, () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      response += chunk
    })
    socket.on('end', () => resolve(response))
    socket.on('error', reject)
  })
}
