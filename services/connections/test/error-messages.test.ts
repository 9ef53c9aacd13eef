import { createAccessToken } from '@sluice/service-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

/**
 * The usual mistakes of an operator, and the admin API's responses: what is wrong, with the value where it is no
 * secret, and what to do.
 */
let connections: StandaloneConnections
let id: string
const ID = '{id}'
const PATH = '/api/v1/connections'
const BEDROCK = {
  name: 'bedrock-prod',
  provider: 'aws-bedrock',
  config: { region: 'eu-central-1', iamRoleArn: 'arn:aws:iam::444455556666:role/sluice' },
}
const HEADER_TEXT =
  'must be 1 to 4096 visible ASCII characters without spaces or line breaks: check for a copied space or newline, an ellipsis, or empty text'
const SECRET = 'verysecret'

beforeAll(async () => {
  connections = await standaloneConnections()
  const { body } = await connections.call('POST', PATH, { ...openAiConnection, name: 'taken' })
  id = body.id
})
afterAll(() => connections.stop())

interface AdminResponse {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors: Readonly<Record<string, string>> | undefined
  readonly headers: Headers
  readonly text: string
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<AdminResponse> {
  const response = await fetch(connections.adminUrl + path.replace(ID, id), {
    method,
    headers: {
      authorization: `Bearer ${connections.operatorToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const { status, code, detail, errors } = JSON.parse(text)
  const fields = errors?.map(({ field, message }: { field: string; message: string }) => [field, message])
  const entries = fields === undefined ? undefined : (Object.fromEntries(fields) as Record<string, string>)
  return { status, code, detail, errors: entries, headers: response.headers, text }
}

const openAi = (over: object) => ({ ...openAiConnection, name: 'new', ...over })
const limits = (...capacity: unknown[]) => openAi({ capacity })
const key = (over: object) => ({ name: 'app', connections: '*', ...over })

describe.each<[string, string, string, unknown, Readonly<Record<string, string>>]>([
  // Limits
  [
    'a period without a limit',
    'POST',
    PATH,
    limits({ period: 'minute' }),
    { 'capacity.0': expect.stringMatching(/^has no limit: set requests or tokens/) },
  ],
  [
    'a limit of zero',
    'POST',
    PATH,
    limits({ period: 'minute', requests: 0 }),
    { 'capacity.0.requests': 'must be at least 1, not 0' },
  ],
  [
    'a negative limit',
    'POST',
    PATH,
    limits({ period: 'minute', tokens: -5 }),
    { 'capacity.0.tokens': 'must be at least 1, not -5' },
  ],
  [
    'half a token',
    'POST',
    PATH,
    limits({ period: 'day', tokens: 1.5 }),
    { 'capacity.0.tokens': 'must be an integer, not 1.5' },
  ],
  [
    'a limit that is text',
    'POST',
    PATH,
    limits({ period: 'hour', requests: '100' }),
    { 'capacity.0.requests': 'must be an integer, not a string' },
  ],
  [
    'a period twice',
    'POST',
    PATH,
    limits({ period: 'hour', requests: 1 }, { period: 'hour', tokens: 2 }),
    { 'capacity.1.period': 'is "hour" twice: put all limits of a period in one entry' },
  ],
  [
    'a misspelt period',
    'POST',
    PATH,
    limits({ period: 'minutes', requests: 1 }),
    { 'capacity.0.period': 'must be one of "minute", "hour", "day"; did you mean "minute"?' },
  ],
  [
    'a misspelt metric',
    'POST',
    PATH,
    limits({ period: 'minute', request: 1, tokens: 2 }),
    { 'capacity.0.request': 'is not known; did you mean "requests"?' },
  ],
  [
    'limits that are no list',
    'POST',
    PATH,
    openAi({ capacity: { period: 'minute' } }),
    { capacity: 'must be an array, not an object' },
  ],
  // Names and settings
  [
    'a name with spaces and capitals',
    'POST',
    PATH,
    openAi({ name: 'My Prod' }),
    { name: 'must be lower-case letters, digits and hyphens, beginning with a letter or digit, at most 63' },
  ],
  [
    'a misspelt setting',
    'POST',
    PATH,
    openAi({ allowed_model: ['x'] }),
    { allowed_model: 'is not known; did you mean "allowedModels"?' },
  ],
  [
    'models that are no list',
    'POST',
    PATH,
    openAi({ allowedModels: 'gpt-4o' }),
    { allowedModels: 'must be an array, not a string' },
  ],
  [
    'a misspelt choice',
    'POST',
    PATH,
    openAi({ onCapacityUnavailable: 'alow' }),
    { onCapacityUnavailable: 'must be one of "reject", "allow"; did you mean "allow"?' },
  ],
  ['a yes that is text', 'POST', PATH, openAi({ enabled: 'true' }), { enabled: 'must be true or false, not a string' }],
  [
    'a misspelt provider',
    'POST',
    PATH,
    openAi({ provider: 'antropic' }),
    { provider: expect.stringMatching(/did you mean "anthropic"\?$/) },
  ],
  [
    'another provider for a connection',
    'PATCH',
    `${PATH}/${ID}`,
    { provider: 'groq' },
    { provider: 'cannot be changed: create another connection' },
  ],
  // Credentials and config
  [
    'a key with a line break at its end',
    'POST',
    PATH,
    openAi({ config: { apiKey: `sk-${SECRET}\n` } }),
    { 'config.apiKey': HEADER_TEXT },
  ],
  [
    'a key that was cut by an ellipsis',
    'POST',
    PATH,
    openAi({ config: { apiKey: `sk-${SECRET}…` } }),
    { 'config.apiKey': HEADER_TEXT },
  ],
  ['no key', 'POST', PATH, openAi({ config: {} }), { 'config.apiKey': 'is required' }],
  [
    'a key that is a number',
    'POST',
    PATH,
    openAi({ config: { apiKey: 12345 } }),
    { 'config.apiKey': 'must be a string, not a number' },
  ],
  [
    'a misspelt key',
    'POST',
    PATH,
    openAi({ config: { api_key: `sk-${SECRET}` } }),
    { 'config.apiKey': 'is required', 'config.api_key': 'is not known; did you mean "apiKey"?' },
  ],
  [
    'a base URL without its scheme',
    'POST',
    PATH,
    openAi({ config: { apiKey: 'sk-1', baseUrl: 'api.example.com/v1' } }),
    { 'config.baseUrl': 'is not an absolute URL' },
  ],
  [
    'a base URL with an operation',
    'POST',
    PATH,
    openAi({ config: { apiKey: 'sk-1', baseUrl: 'https://api.example.com/v1/chat/completions' } }),
    { 'config.baseUrl': 'must end before "/chat/completions", which each request adds' },
  ],
  [
    'a region without a hyphen',
    'POST',
    PATH,
    { ...BEDROCK, config: { ...BEDROCK.config, region: 'us-east1' } },
    { 'config.region': 'must be an AWS region, such as "eu-central-1"; did you mean "us-east-1"?' },
  ],
  [
    'a region that there is not',
    'POST',
    PATH,
    { ...BEDROCK, config: { ...BEDROCK.config, region: 'eu-west-9' } },
    {
      'config.region':
        'is "eu-west-9", which is not a known AWS region; did you mean "eu-west-1"? For a newer region, set its baseUrl: https://bedrock-runtime.eu-west-9.amazonaws.com',
    },
  ],
  [
    'a role that is none',
    'POST',
    PATH,
    { ...BEDROCK, config: { ...BEDROCK.config, iamRoleArn: 'sluice-role' } },
    { 'config.iamRoleArn': 'must be the ARN of an IAM role, such as "arn:aws:iam::444455556666:role/sluice"' },
  ],
  [
    'keys of AWS',
    'POST',
    PATH,
    { ...BEDROCK, config: { ...BEDROCK.config, accessKeyId: 'AKIA' } },
    { 'config.accessKeyId': 'is not accepted: AWS Bedrock is used with an IAM role only, set iamRoleArn' },
  ],
  // API keys and operators
  [
    'connections of a key by name',
    'POST',
    '/api/v1/api-keys',
    key({ connections: 'taken' }),
    { connections: 'must be "*" for every connection, or a list of ids of connections, each once and at most 1000' },
  ],
  [
    'a connection of a key by name in a list',
    'POST',
    '/api/v1/api-keys',
    key({ connections: ['taken'] }),
    { 'connections.0': 'is not the id of a connection' },
  ],
  [
    'an expiry that is a date alone',
    'POST',
    '/api/v1/api-keys',
    key({ expiresAt: '2099-01-01' }),
    { expiresAt: 'must be a time of RFC 3339 with its offset, such as 2026-01-31T12:00:00Z' },
  ],
  [
    'an expiry in the past',
    'POST',
    '/api/v1/api-keys',
    key({ expiresAt: '2001-01-01T00:00:00Z' }),
    { expiresAt: 'must be in the future' },
  ],
  [
    'a misspelt role',
    'POST',
    '/api/v1/operator-tokens',
    { name: 'ci', role: 'view' },
    { role: expect.stringMatching(/^must be one of "admin", "viewer"/) },
  ],
  ['an empty name', 'POST', '/api/v1/operator-tokens', { name: '', role: 'viewer' }, { name: 'must not be empty' }],
  // Queries and headers
  ['a misspelt parameter', 'GET', `${PATH}?serach=x`, undefined, { serach: 'is not known; did you mean "search"?' }],
  ['a parameter where there is none', 'GET', `${PATH}/${ID}?verbose=1`, undefined, { verbose: 'is not known' }],
  ['a limit that is no number', 'GET', `${PATH}?limit=many`, undefined, { limit: 'must be an integer' }],
  ['too high a limit', 'GET', `${PATH}?limit=1000`, undefined, { limit: 'must be at most 200, not 1000' }],
  [
    'a misspelt provider in a query',
    'GET',
    `${PATH}?provider=opnai`,
    undefined,
    { provider: expect.stringMatching(/did you mean "openai"\?$/) },
  ],
])('%s', (_, method, path, body, errors) => {
  it('is refused with an error per field, and without secrets', async () => {
    const response = await send(method, path, body)
    expect(response).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(response.errors).toEqual(errors)
    expect(response.text).not.toContain(SECRET)
  })
})

describe.each<[string, string, string, unknown, Record<string, string>, number, string, unknown]>([
  [
    'no JSON',
    'POST',
    PATH,
    '{"name": "a",}',
    {},
    400,
    'invalid_request',
    'The body is not valid JSON: at byte 14 (line 1, column 14) there is "}" right after a comma: take the comma out.',
  ],
  [
    'single quotes',
    'POST',
    PATH,
    `{'apiKey': '${SECRET}'}`,
    {},
    400,
    'invalid_request',
    'The body is not valid JSON: at byte 2 (line 1, column 2) there is a single quote: names stand in double quotes.',
  ],
  [
    'a form',
    'POST',
    PATH,
    `apiKey=${SECRET}`,
    {},
    400,
    'invalid_request',
    'The body is form-encoded (name=value): send a JSON object.',
  ],
  ['an empty body', 'POST', PATH, '', {}, 400, 'invalid_request', 'The request needs a body: a JSON object.'],
  [
    'too large a body',
    'POST',
    PATH,
    `"${'x'.repeat(300_000)}"`,
    {},
    413,
    'payload_too_large',
    'The body has 300002 bytes, more than the maximum of 262144.',
  ],
  [
    'PUT for PATCH',
    'PUT',
    `${PATH}/${ID}`,
    '{}',
    {},
    405,
    'method_not_allowed',
    expect.stringMatching(/ accepts DELETE, GET, HEAD, PATCH, not PUT\.$/),
  ],
  [
    'DELETE of a list',
    'DELETE',
    PATH,
    undefined,
    {},
    405,
    'method_not_allowed',
    '/api/v1/connections accepts GET, HEAD, POST, not DELETE.',
  ],
  [
    'no /api',
    'GET',
    '/v1/connections',
    undefined,
    {},
    404,
    'not_found',
    'There is nothing at GET /v1/connections. Did you mean /api/v1/connections?',
  ],
  [
    'no prefix',
    'GET',
    '/connections',
    undefined,
    {},
    404,
    'not_found',
    'There is nothing at GET /connections. Did you mean /api/v1/connections?',
  ],
  [
    'a misspelt path',
    'GET',
    '/api/v1/conections',
    undefined,
    {},
    404,
    'not_found',
    'There is nothing at GET /api/v1/conections. Did you mean /api/v1/connections?',
  ],
  [
    'a slash at the end',
    'GET',
    `${PATH}/`,
    undefined,
    {},
    404,
    'not_found',
    'The id is missing. To list connections, omit the slash at the end.',
  ],
  [
    'an unknown path',
    'GET',
    '/api/v1/entirely-else',
    undefined,
    {},
    404,
    'not_found',
    expect.stringMatching(
      /^There is nothing at GET \/api\/v1\/entirely-else\. The API is at \/api\/v1: api-keys, audit-log, connections, /,
    ),
  ],
  [
    'a request for the gateway',
    'POST',
    '/v1/chat/completions',
    '{}',
    {},
    404,
    'not_found',
    'There is nothing at POST /v1/chat/completions. This is the admin API, for operators. The gateway, which calls providers, has another port (8080 by default).',
  ],
  [
    'a provider’s path for the gateway',
    'POST',
    '/connections/taken/v1/messages',
    '{}',
    {},
    404,
    'not_found',
    'There is nothing at POST /connections/taken/v1/messages. This is the admin API, for operators. The gateway, which calls providers, has another port (8080 by default).',
  ],
  [
    'a name for an id',
    'GET',
    `${PATH}/taken`,
    undefined,
    {},
    404,
    'not_found',
    '"taken" is not a connection id, which is a UUID. GET /api/v1/connections?search=taken finds a connection by its name.',
  ],
  [
    'a name that is taken',
    'POST',
    PATH,
    openAi({ name: 'taken' }),
    {},
    409,
    'name_taken',
    'There is already a connection with the name "taken".',
  ],
  [
    'an old version',
    'PATCH',
    `${PATH}/${ID}`,
    { description: 'x' },
    { 'if-match': '"7"' },
    412,
    'version_conflict',
    'The connection has changed: its version is 1, and If-Match requires 7. Read it again, then repeat the change with If-Match: "1".',
  ],
  [
    'no token',
    'GET',
    PATH,
    undefined,
    { authorization: '' },
    401,
    'unauthenticated',
    expect.stringMatching(/operator token \(slo_…\)\.$/),
  ],
  [
    'an API key',
    'GET',
    PATH,
    undefined,
    { authorization: `Bearer ${createAccessToken('slc')}` },
    401,
    'unauthenticated',
    'The token is an API key, which is for the gateway: the admin API needs an operator token (slo_…).',
  ],
  [
    'a token that was not copied whole',
    'GET',
    PATH,
    undefined,
    { authorization: 'Bearer slo_abc' },
    401,
    'unauthenticated',
    'The operator token is incomplete: it has 53 characters, and its checksum at the end does not match. Copy it again.',
  ],
  [
    'an unknown token',
    'GET',
    PATH,
    undefined,
    { authorization: `Bearer ${createAccessToken('slo')}` },
    401,
    'unauthenticated',
    'The operator token is not valid: it is unknown, expired or revoked.',
  ],
  [
    'a token of something else',
    'GET',
    PATH,
    undefined,
    { authorization: `Bearer ${SECRET}` },
    401,
    'unauthenticated',
    'The token is not an operator token: those start with "slo_".',
  ],
])('%s', (_, method, path, body, headers, status, code, detail) => {
  it('gets a response that says what is wrong and what to do', async () => {
    const response = await send(method, path, body, headers)
    expect(response).toMatchObject({ status, code, detail })
    expect(response.headers.has('allow')).toBe(status === 405)
    expect(response.text).not.toContain(SECRET)
  })
})

it.each([
  ['W/"1"', 'must be one version, as in the header ETag, such as "3", or *; weak tags (W/) match nothing'],
  ['"1", "2"', 'must be one version, as in the header ETag, such as "3", or *; a list is not accepted'],
  ['latest', 'must be one version, as in the header ETag, such as "3", or *'],
])('If-Match of %s is refused', async (ifMatch, message) => {
  const { status, errors } = await send('PATCH', `${PATH}/${ID}`, { description: 'x' }, { 'if-match': ifMatch })
  expect([status, errors]).toEqual([400, { 'if-match': message }])
})

it('accepts an unknown region together with a base URL', async () => {
  const config = { ...BEDROCK.config, region: 'eu-west-9', baseUrl: 'https://bedrock-runtime.eu-west-9.amazonaws.com' }
  const { status, body } = await connections.call('POST', PATH, { ...BEDROCK, config })
  expect(status).toBe(201)
  const withoutUrl = await send('PATCH', `${PATH}/${body.id}`, { config: { baseUrl: null } })
  expect(withoutUrl.errors).toHaveProperty(['config.region'])
})

it.each([
  ['nothing', {}],
  ['what there is already', { name: 'taken', enabled: true }],
  ['nothing of the config', { config: {} }],
])('a change of %s makes no version and no entry of the audit log', async (_, patch) => {
  const entries = await connections.access.audited('connection.updated')
  const { status, body, headers } = await connections.call('PATCH', `${PATH}/${id}`, patch)
  expect([status, body.version, headers.get('etag')]).toEqual([200, 1, '"1"'])
  expect(await connections.access.audited('connection.updated')).toEqual(entries)
})
