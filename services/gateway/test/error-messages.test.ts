import { createAccessToken } from '@sluice/service-kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshConnection, untilKnown } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { type RawRequest, type RawResponse, sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/**
 * The usual mistakes of a developer, and the gateway's responses: what is wrong, with the value, and what to do. No request of these
 * reaches the provider, and no response holds a secret that came with it.
 */
let received: string[]
let scopedKey: string
let expiredKey: string

const MAX_BODY_BYTES = 4_096
const JSON_TYPE = { 'content-type': 'application/json' }
const CHAT = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello' }] })

const data = startBeforeAll(() =>
  startDataPath({ env: { MAX_BODY_BYTES: String(MAX_BODY_BYTES), MAX_UPLOAD_BYTES: '2048' } }),
)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  received = []
  upstream.respond = (request, response) => {
    received.push(`${request.method} ${request.url}`)
    response.setHeader('content-type', 'application/json').end('{}')
  }
  const connect = (name: string, settings: object) =>
    freshConnection(data.gateway, data.apiKey, { name, baseUrl: upstream.url, ...settings })
  await connect('openai-prod', { provider: 'openai' })
  await connect('anthropic-prod', { provider: 'anthropic' })
  await connect('google-prod', { provider: 'google' })
  await connect('groq-prod', { provider: 'groq' })
  await connect('bedrock-prod', { provider: 'aws-bedrock', config: { region: 'eu-west-1', baseUrl: upstream.url } })
  const { settings } = await connect('claude-only', { provider: 'anthropic', allowedModels: ['claude-*'] })
  await data.gateway.connection({ name: 'switched-off', baseUrl: upstream.url, enabled: false })
  scopedKey = await data.gateway.apiKey({ connections: [settings.id], id: 'key-1' })
  expiredKey = await data.gateway.apiKey({ expiresAtMs: Date.UTC(2026, 0, 1) })
  await untilKnown(data.gateway.url, 'claude-only', scopedKey)
})
afterAll(async () => {
  expect(received).toEqual([])
})

type Send = () => RawRequest & { readonly path: string }

/** A POST of JSON with a good key, unless stated otherwise. */
function post(path: string, body = CHAT, headers: Readonly<Record<string, string>> = JSON_TYPE): Send {
  return () => ({ path, method: 'POST', body, headers: { authorization: `Bearer ${data.apiKey}`, ...headers } })
}

function get(path: string, method = 'GET'): Send {
  return () => ({ path, method, headers: { authorization: `Bearer ${data.apiKey}` } })
}

function withKey(path: string, headers: () => Readonly<Record<string, string>>): Send {
  return () => ({ path, method: 'POST', body: CHAT, headers: { ...JSON_TYPE, ...headers() } })
}

const SERVES =
  'It serves a provider\'s own API below /connections/NAME/, and POST /v1/chat/completions, POST /v1/embeddings and GET /v1/models with "CONNECTION/MODEL" as the model.'
const ANTHROPIC_PATHS = '/v1/messages, /v1/messages/count_tokens and all others under /v1'
const OPENAI_PATHS = '/v1/chat/completions, /v1/responses, /v1/embeddings and all others under /v1'
const GOOGLE_PATHS =
  '/v1beta/models/MODEL:generateContent, :streamGenerateContent, :embedContent, /v1beta/models and /v1beta/files'
const BEDROCK_PATHS =
  'POST /model/MODEL/converse, /converse-stream, /invoke, /invoke-with-response-stream and /count-tokens'
const SEND_JSON = 'send a JSON body with the header "content-type: application/json".'
const NO_KEY =
  'No API key was given. Send a Sluice API key where the SDK puts its key: "Authorization: Bearer slc_…" (OpenAI, Groq, AWS bearer token), "x-api-key: slc_…" (Anthropic), "x-goog-api-key: slc_…" (Google) or "api-key: slc_…" (Azure).'
const foreignKey = (owner: string) =>
  `The key is ${owner}, and the gateway takes a Sluice API key (slc_…). The provider's key stays with the connection; ask the operator of Sluice for an API key.`

const NATIVE = '/connections/openai-prod/v1/chat/completions'
const UNIFIED = '/v1/chat/completions'
const unifiedChat = (model: unknown) => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] })

describe.each<[string, Send, number, string]>([
  // Paths
  [
    'no connection in the path: Anthropic',
    post('/v1/messages'),
    404,
    `The gateway has nothing at POST /v1/messages. That is a path of Anthropic's API: put the connection before it, with the base URL …/connections/NAME. ${SERVES}`,
  ],
  [
    'no connection in the path: OpenAI',
    post('/v1/responses'),
    404,
    `The gateway has nothing at POST /v1/responses. That is a path of OpenAI's API: put the connection before it, with the base URL …/connections/NAME/v1. ${SERVES}`,
  ],
  [
    'no connection in the path: Google',
    post('/v1beta/models/g:generateContent'),
    404,
    `The gateway has nothing at POST /v1beta/models/g:generateContent. That is a path of Google's API: put the connection before it, with the base URL …/connections/NAME. ${SERVES}`,
  ],
  [
    'no connection in the path: Bedrock',
    post('/model/m/converse'),
    404,
    `The gateway has nothing at POST /model/m/converse. That is a path of AWS Bedrock's API: put the connection before it, with the base URL …/connections/NAME. ${SERVES}`,
  ],
  [
    'no connection in the path: Groq',
    post('/openai/v1/audio/speech'),
    404,
    `The gateway has nothing at POST /openai/v1/audio/speech. That is a path of Groq's API: put the connection before it, with the base URL …/connections/NAME. ${SERVES}`,
  ],
  [
    'a connection without a path',
    get('/connections/openai-prod'),
    404,
    'The gateway has nothing at GET /connections/openai-prod. After the name of a connection comes a path of its provider, such as /v1/chat/completions (OpenAI) or /v1/messages (Anthropic).',
  ],
  [
    'connections without a name',
    get('/connections'),
    404,
    'The gateway has nothing at GET /connections. After /connections comes the name of a connection, and then a path of its provider: /connections/NAME/v1/chat/completions.',
  ],
  [
    'a misspelt path',
    get('/conections/x/v1/models'),
    404,
    `The gateway has nothing at GET /conections/x/v1/models. Did you mean /connections? ${SERVES}`,
  ],
  [
    'a version before connections',
    post('/v1/connections/openai-prod/x'),
    404,
    'The gateway has nothing at POST /v1/connections/openai-prod/x. A base URL begins with /connections/NAME, right after the host and port.',
  ],
  [
    'the admin API on the gateway’s port',
    get('/api/v1/connections'),
    404,
    'The gateway has nothing at GET /api/v1/connections. This is the gateway, for applications: the admin API and the console are at another port (8081 unless set otherwise).',
  ],
  ['a browser at a path that takes POST', get(UNIFIED), 405, '/v1/chat/completions takes POST, not GET.'],
  ['a method that models do not have', get('/v1/models', 'DELETE'), 405, '/v1/models takes GET and HEAD, not DELETE.'],
  [
    'OpenAI’s path at a Google connection',
    post('/connections/google-prod/v1/chat/completions'),
    404,
    `google has no operation POST at the path "/v1/chat/completions". That is a path of OpenAI's API, and connection "google-prod" leads to Google, whose paths are ${GOOGLE_PATHS}. To use OpenAI's SDK with it, call the unified endpoint: base URL …/v1, model "google-prod/MODEL".`,
  ],
  [
    'OpenAI’s path at a Bedrock connection',
    post('/connections/bedrock-prod/v1/chat/completions'),
    404,
    `aws-bedrock has no operation POST at the path "/v1/chat/completions". That is a path of OpenAI's API, and connection "bedrock-prod" leads to AWS Bedrock, whose paths are ${BEDROCK_PATHS}. To use OpenAI's SDK with it, call the unified endpoint: base URL …/v1, model "bedrock-prod/MODEL".`,
  ],
  [
    'OpenAI’s path at an Anthropic connection for certain models',
    post('/connections/claude-only/v1/chat/completions'),
    403,
    `Connection "claude-only" does not allow the model "gpt-4o". That is a path of OpenAI's API, and connection "claude-only" leads to Anthropic, whose paths are ${ANTHROPIC_PATHS}. To use OpenAI's SDK with it, call the unified endpoint: base URL …/v1, model "claude-only/MODEL".`,
  ],
  [
    'Anthropic’s path at a Google connection',
    post('/connections/google-prod/v1/messages'),
    404,
    `google has no operation POST at the path "/v1/messages". That is a path of Anthropic's API, and connection "google-prod" leads to Google, whose paths are ${GOOGLE_PATHS}.`,
  ],
  [
    'Google’s path at an OpenAI connection',
    post('/connections/openai-prod/v1beta/models/g:generateContent'),
    404,
    `openai has no operation POST at the path "/v1beta/models/g:generateContent". That is a path of Google's API, and connection "openai-prod" leads to OpenAI, whose paths are ${OPENAI_PATHS}.`,
  ],
  [
    'an unknown path of OpenAI’s',
    post('/connections/openai-prod/v2/chat'),
    404,
    `openai has no operation POST at the path "/v2/chat". Its paths are ${OPENAI_PATHS}; an SDK's base URL is …/connections/openai-prod/v1.`,
  ],
  [
    'an unknown path of Groq’s',
    post('/connections/groq-prod/openai/v3/x'),
    404,
    'groq has no operation POST at the path "/openai/v3/x". Its paths are /openai/v1/chat/completions and all others under /openai/v1; an SDK\'s base URL is …/connections/groq-prod.',
  ],
  [
    'a Bedrock path with GET',
    get('/connections/bedrock-prod/model/m/converse'),
    404,
    'aws-bedrock has no operation GET at the path "/model/m/converse". It takes POST.',
  ],
  [
    'a space at the end of the path',
    post('/connections/openai-prod/v1/chat/completions%20'),
    404,
    'openai has no operation POST at the path "/v1/chat/completions%20". The path ends with a space or a line break: take it out of the base URL.',
  ],
  [
    'a line break at the end of the path',
    post('/connections/anthropic-prod/v1/messages%0A'),
    404,
    'anthropic has no operation POST at the path "/v1/messages%0A". The path ends with a space or a line break: take it out of the base URL.',
  ],
  [
    'an escape that is none',
    get('/connections/%zz/v1/models'),
    400,
    'The URL is malformed: a % in it is not followed by two hexadecimal digits of UTF-8.',
  ],
  [
    'GET at a model of Google’s',
    get('/connections/google-prod/v1beta/models/g:generateContent'),
    400,
    `This operation takes POST, not GET: ${SEND_JSON}`,
  ],
  // Keys
  ['no key', withKey(NATIVE, () => ({})), 401, NO_KEY],
  ['no key, unified', withKey(UNIFIED, () => ({})), 401, NO_KEY],
  ['no key, Anthropic', withKey('/connections/anthropic-prod/v1/messages', () => ({})), 401, NO_KEY],
  [
    'OpenAI’s key',
    withKey(NATIVE, () => ({ authorization: 'Bearer sk-proj-verysecret' })),
    401,
    foreignKey("OpenAI's own, or that of a server that speaks its API"),
  ],
  [
    'Anthropic’s key',
    withKey('/connections/anthropic-prod/v1/messages', () => ({ 'x-api-key': 'sk-ant-verysecret' })),
    401,
    foreignKey("Anthropic's own"),
  ],
  [
    'Google’s key',
    withKey('/connections/google-prod/v1beta/models/g:generateContent?key=AIzaverysecret', () => ({})),
    401,
    foreignKey("Google's own"),
  ],
  [
    'Groq’s key',
    withKey('/connections/groq-prod/openai/v1/chat/completions', () => ({ authorization: 'Bearer gsk_verysecret' })),
    401,
    foreignKey("Groq's own"),
  ],
  [
    'an AWS signature',
    withKey('/connections/bedrock-prod/model/m/converse', () => ({
      authorization: 'AWS4-HMAC-SHA256 Credential=AKIAverysecret',
    })),
    401,
    'The request is signed with AWS credentials, and the gateway takes a Sluice API key: set AWS_BEARER_TOKEN_BEDROCK to it (slc_…) and leave the AWS credentials out.',
  ],
  [
    'an operator token',
    withKey(NATIVE, () => ({ authorization: `Bearer ${createAccessToken('slo')}` })),
    401,
    'The key is an operator token, which is for the admin API alone. Applications need an API key (slc_…): POST /api/v1/api-keys creates one.',
  ],
  [
    'a key that was not copied whole',
    withKey(NATIVE, () => ({ authorization: `Bearer ${data.apiKey.slice(0, -1)}` })),
    401,
    'The API key is not whole: it has 53 characters, the last of which are a checksum that does not fit. Copy it again.',
  ],
  [
    'an unknown key',
    withKey(NATIVE, () => ({ authorization: `Bearer ${createAccessToken('slc')}` })),
    401,
    'The API key is not valid: it is unknown or revoked.',
  ],
  [
    'an expired key',
    withKey(NATIVE, () => ({ authorization: `Bearer ${expiredKey}` })),
    401,
    'The API key expired at 2026-01-01T00:00:00.000Z: ask the operator of Sluice for another, or a later expiry.',
  ],
  [
    'a key of another scheme',
    withKey(NATIVE, () => ({ authorization: `Token ${data.apiKey}` })),
    401,
    'The header Authorization holds no key: it must be "Bearer", a space, and a Sluice API key (slc_…).',
  ],
  [
    'a quoted key',
    withKey(NATIVE, () => ({ authorization: `Bearer "${data.apiKey}"` })),
    401,
    'The API key is not one of Sluice: those begin with "slc_". Is it quoted, or another service’s?',
  ],
  // Connections
  [
    'a misspelt connection',
    post('/connections/opnai-prod/v1/chat/completions'),
    404,
    'There is no connection "opnai-prod"; did you mean "openai-prod"?',
  ],
  [
    'a misspelt connection of which the key may know nothing',
    () => ({
      ...post('/connections/opnai-prod/v1/chat/completions')(),
      headers: { authorization: `Bearer ${scopedKey}`, ...JSON_TYPE },
    }),
    404,
    'There is no connection "opnai-prod".',
  ],
  [
    'a connection that the key may not use',
    () => ({ ...post(NATIVE)(), headers: { authorization: `Bearer ${scopedKey}`, ...JSON_TYPE } }),
    403,
    'The API key may not use connection "openai-prod". An operator can let it, with PATCH /api/v1/api-keys/key-1.',
  ],
  [
    'a disabled connection',
    post('/connections/switched-off/v1/chat/completions'),
    403,
    'Connection "switched-off" is disabled. An operator can enable it again.',
  ],
  // Models
  [
    'a model that is not allowed',
    post('/connections/claude-only/v1/messages'),
    403,
    'Connection "claude-only" does not allow the model "gpt-4o". It allows "claude-*".',
  ],
  [
    'a model without a connection',
    () => ({ ...post(UNIFIED)(), headers: { authorization: `Bearer ${scopedKey}`, ...JSON_TYPE } }),
    400,
    'The model "gpt-4o" names no connection: it must be "CONNECTION/MODEL", for example "claude-only/gpt-4o". Connections of this API key are claude-only.',
  ],
  [
    'no model',
    () => ({ ...post(UNIFIED, '{"messages":[]}')(), headers: { authorization: `Bearer ${scopedKey}`, ...JSON_TYPE } }),
    400,
    'The parameter "model" is missing: it must be "CONNECTION/MODEL", for example "claude-only/gpt-4o". Connections of this API key are claude-only.',
  ],
  [
    'a model that is a number',
    () => ({ ...post(UNIFIED, unifiedChat(4))(), headers: { authorization: `Bearer ${scopedKey}`, ...JSON_TYPE } }),
    400,
    'The parameter "model" is not a string: it must be "CONNECTION/MODEL", for example "claude-only/gpt-4o". Connections of this API key are claude-only.',
  ],
  [
    'a misspelt connection in the model',
    post(UNIFIED, unifiedChat('openai-prd/gpt-4o')),
    404,
    'There is no connection "openai-prd"; did you mean "openai-prod"?',
  ],
  // Bodies
  ['an empty body', post(NATIVE, ''), 400, `The request has no body: ${SEND_JSON}`],
  [
    'a form, as curl -d sends it',
    post(NATIVE, 'model=gpt-4o', { 'content-type': 'application/x-www-form-urlencoded' }),
    400,
    `The content type is "application/x-www-form-urlencoded" (the default of curl -d), but this operation takes JSON: ${SEND_JSON}`,
  ],
  [
    'text',
    post(UNIFIED, CHAT, { 'content-type': 'text/plain' }),
    400,
    `The content type is "text/plain", but this operation takes JSON: ${SEND_JSON}`,
  ],
  [
    'a form that says it is JSON',
    post(NATIVE, 'model=gpt-4o'),
    400,
    'The body is form-encoded (name=value): send a JSON object.',
  ],
  ['an array', post(UNIFIED, '[]'), 400, 'The body is an array in JSON, and must be an object: {"name": value, …}.'],
  [
    'a comma at the end',
    post('/connections/anthropic-prod/v1/messages', '{\n  "model": "m",\n}'),
    400,
    'The body is not valid JSON: at byte 19 (line 3, column 1) there is "}" right after a comma: take the comma out.',
  ],
  [
    'single quotes',
    post('/connections/google-prod/v1beta/models/g:generateContent', "{'contents': []}"),
    400,
    'The body is not valid JSON: at byte 2 (line 1, column 2) there is a single quote: names stand in double quotes.',
  ],
  [
    'a byte order mark',
    post(UNIFIED, `\uFEFF${CHAT}`),
    400,
    'The body begins with a byte order mark (EF BB BF), which JSON does not have: send UTF-8 without it.',
  ],
  [
    'a body that was cut off',
    post('/connections/groq-prod/openai/v1/chat/completions', CHAT.slice(0, -2)),
    400,
    `The body is not valid JSON: at byte ${CHAT.length - 1} (line 1, column ${CHAT.length - 1}) it ends before the JSON does: was it cut off?`,
  ],
  [
    'too large a body',
    post(NATIVE, JSON.stringify({ model: 'm', user: 'u'.repeat(5_000) })),
    413,
    `The body has 5023 bytes, more than the ${MAX_BODY_BYTES} that this gateway takes (its setting MAX_BODY_BYTES).`,
  ],
  [
    'too large an upload',
    post('/connections/openai-prod/v1/files', 'x'.repeat(3_000), { 'content-type': 'audio/wav' }),
    413,
    'The upload has 3000 bytes, more than the 2048 that this gateway takes (its setting MAX_UPLOAD_BYTES).',
  ],
])('%s', (_, send, status, message) => {
  it('gets an error that says what is wrong and what to do', async () => {
    const { path, ...request } = send()
    const clientResponse = await sendRequest(data.gateway.url + path, request)
    expect([messageOf(clientResponse), clientResponse.status]).toEqual([message, status])
    expect(clientResponse.headers['x-sluice-source']).toBe('gateway')
    if (status === 405) expect(message).toContain(String(clientResponse.headers.allow).split(', ')[0])
    expect(clientResponse.body.toString()).not.toMatch(/verysecret|slc_[0-9A-Za-z]/)
  })
})

/** In whatever format. */
function messageOf({ body }: RawResponse): unknown {
  const { error, message } = JSON.parse(body.toString())
  return error?.message ?? message
}

it.each([
  ['/chat/completions'],
  ['/v1/v1/chat/completions'],
  ['//v1/chat/completions'],
  ['/v1/chat/completions/'],
  ['/v1//chat//completions'],
])('%s is the unified endpoint', async (path) => {
  const clientResponse = await sendRequest(data.gateway.url + path, post(UNIFIED, unifiedChat('nowhere/m'))())
  expect(messageOf(clientResponse)).toBe('There is no connection "nowhere".')
})

it.each([['/models'], ['/v1/v1/models'], ['/v1/models/']])('%s lists the models', async (path) => {
  const { body } = await sendRequest(data.gateway.url + path, { headers: { authorization: `Bearer ${data.apiKey}` } })
  expect(JSON.parse(body.toString())).toMatchObject({ object: 'list' })
  received.length = 0
})
