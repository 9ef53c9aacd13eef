import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  AccessDeniedException,
  BedrockRuntimeServiceException,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  InternalServerException,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ServiceUnavailableException,
  ThrottlingException,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime'
import { capacityStatus } from '@sluice/contracts'
import { createRoleAssumer } from '@sluice/egress'
import { request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RoleSession } from '../src/upstream/role-session.ts'
import { type RawUpstream, startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import {
  type BedrockConnection,
  EXTERNAL_ID,
  REGION,
  ROLE_ARN,
  startBedrockPath,
} from './support/start-bedrock-path.ts'
import { startBeforeAll } from './support/start-before-all.ts'

const NOVA = 'amazon.nova-lite-v1:0'
const CLAUDE = 'anthropic.claude-haiku-4-5-20251001-v1:0'
const REQUEST: ConverseCommandInput = {
  modelId: NOVA,
  messages: [{ role: 'user', content: [{ text: 'What does a sluice do?' }] }],
  inferenceConfig: { maxTokens: 40 },
}
const MESSAGE = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 40,
  messages: [{ role: 'user', content: 'What does a sluice do?' }],
}
let connection: BedrockConnection

const path = startBeforeAll(startBedrockPath)

beforeEach(async () => {
  connection = await path.connection()
})
afterEach(() => path.simulator.controls.clear())

const events = () => path.gateway.events.filter(({ connectionId }) => connectionId === connection.settings.id)
const usages = () => events().map(({ usage }) => usage && [usage.inputTokens, usage.outputTokens])
const outcomes = () => events().map(({ outcome }) => outcome)

describe('the official SDK', () => {
  it('converses, plain and streamed, and both are charged as reported', async () => {
    const sdk = connection.sdk()
    const plain = await sdk.send(new ConverseCommand(REQUEST))
    const { stream = [] } = await sdk.send(new ConverseStreamCommand(REQUEST))
    const streamed = await collected(stream)
    const text = streamed.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('')
    expect(plain.output?.message?.content).toEqual([{ text }])
    const used = [plain.usage?.inputTokens, plain.usage?.outputTokens]
    expect(streamed.at(-1)?.metadata?.usage).toEqual(plain.usage)
    await eventually(() => expect(usages()).toEqual([used, used]))
    expect(events()[0]).toMatchObject({ model: NOVA, outcome: 'success', upstreamStatus: 200 })
  })

  it('invokes, plain and streamed, and both are charged as reported', async () => {
    const sdk = connection.sdk()
    const input = { modelId: CLAUDE, body: JSON.stringify(MESSAGE), contentType: 'application/json' }
    const plain = JSON.parse((await sdk.send(new InvokeModelCommand(input))).body.transformToString())
    const { body = [] } = await sdk.send(new InvokeModelWithResponseStreamCommand(input))
    const chunks = (await collected(body)).map(({ chunk }) => JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()))
    expect(chunks.map(({ delta }) => delta?.text ?? '').join('')).toBe(plain.content[0].text)
    const used = [plain.usage.input_tokens, plain.usage.output_tokens]
    await eventually(() => expect(usages()).toEqual([used, used]))
  })

  it.each([`arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.${NOVA}`, `eu.${NOVA}`])(
    'names its model by %s, which is signed as it was sent',
    async (modelId) => {
      await connection.sdk().send(new ConverseCommand({ ...REQUEST, modelId }))
      await eventually(() => expect(events()[0]).toMatchObject({ model: modelId, outcome: 'success' }))
      expect(path.simulator.requests.list().at(-1)?.path).toBe(`/model/${encodeURIComponent(modelId)}/converse`)
    },
  )

  it('uses tools and sends images', async () => {
    const sdk = connection.sdk()
    const json = { type: 'object', properties: { city: { type: 'string' } } }
    const toolConfig = {
      tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json } } }],
      toolChoice: { any: {} },
    }
    const called = await sdk.send(new ConverseCommand({ ...REQUEST, toolConfig }))
    expect(called).toMatchObject({ stopReason: 'tool_use' })
    expect(called.output?.message?.content?.[0]?.toolUse).toMatchObject({ name: 'get_weather' })
    const image = { format: 'png' as const, source: { bytes: new Uint8Array(50_000).fill(7) } }
    const messages = [{ role: 'user' as const, content: [{ image }, { text: 'What is this?' }] }]
    expect(await sdk.send(new ConverseCommand({ ...REQUEST, messages }))).toMatchObject({ stopReason: 'end_turn' })
  })

  it.each(['invoke', 'invoke-with-response-stream'])(
    'may leave out the content type of %s, as boto3 does, and is counted',
    async (action) => {
      const clientResponse = await sendRequest(`${connection.endpoint}/model/${CLAUDE}/${action}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${path.apiKey}` },
        body: JSON.stringify(MESSAGE),
      })
      expect(clientResponse.status).toBe(200)
      await eventually(() => expect(usages()[0]?.[0]).toBeGreaterThan(0))
    },
  )

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('may compress its body with %s, which is signed and counted as it is decoded', async (encoding, compress) => {
    const { modelId, ...body } = REQUEST
    const clientResponse = await sendRequest(`${connection.endpoint}/model/${modelId}/converse`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${path.apiKey}`,
        'content-type': 'application/json',
        'content-encoding': encoding,
      },
      body: compress(JSON.stringify(body)),
    })
    expect(clientResponse.status).toBe(200)
    expect(path.simulator.requests.list().at(-1)?.content?.body).toBe(JSON.stringify(body))
    const { inputTokens, outputTokens } = JSON.parse(clientResponse.body.toString()).usage
    await eventually(() => expect(usages()).toEqual([[inputTokens, outputTokens]]))
  })

  it('cannot send a body of another content type', async () => {
    const clientResponse = await sendRequest(`${connection.endpoint}/model/${CLAUDE}/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${path.apiKey}`, 'content-type': 'text/plain' },
      body: JSON.stringify(MESSAGE),
    })
    expect(clientResponse.status).toBe(400)
  })

  it('can spell the model in the path in another way', async () => {
    const clientResponse = await postJson(`${connection.endpoint}/model/${NOVA}/converse`, path.apiKey, REQUEST)
    expect(clientResponse.status).toBe(200)
  })
})

describe('a session that AWS rejects', () => {
  const upstreams: RawUpstream[] = []
  afterEach(() => Promise.all(upstreams.splice(0).map((one) => one.stop())))
  const rejecting = async (status: number, type: string) => {
    const upstream = await startRawUpstream()
    upstreams.push(upstream)
    upstream.respond = (request, response) => {
      request.resume()
      const headers = { 'content-type': 'application/json', 'x-amzn-errortype': type }
      response.writeHead(status, headers).end(JSON.stringify({ message: 'Token ASIA0123456789 is no good.' }))
    }
    const config = { region: REGION, iamRoleArn: ROLE_ARN, externalId: EXTERNAL_ID, baseUrl: upstream.url }
    return path.connect({ config })
  }

  it.each([
    [403, 'UnrecognizedClientException'],
    [403, 'ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.bedrock/'],
    [403, 'InvalidSignatureException'],
  ])('is a 502 at both endpoints, without AWS’s message, and a warning: %i %s', async (status, type) => {
    const target = await rejecting(status, type)
    const chat = { model: `${target.settings.name}/${NOVA}`, messages: [{ role: 'user', content: 'Hi' }] }
    for (const { status: given, headers, body } of [
      await postJson(`${target.baseURL}/model/${NOVA}/converse`, path.apiKey, REQUEST),
      await postJson(`${target.baseURL}/model/${NOVA}/converse-stream`, path.apiKey, REQUEST),
      await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, chat),
    ]) {
      expect([given, headers['x-sluice-source']]).toEqual([502, 'gateway'])
      expect(body.toString()).toContain(`rejected the connection's credential (HTTP ${status})`)
      expect(body.toString()).not.toContain('ASIA')
    }
    await target.isCharged({ requests: 3, tokens: 0 })
    expect(await target.ended('upstream_error')).toMatchObject({ upstreamStatus: status })
    const lines = path.gateway.logs().split('\n')
    const warnings = lines.filter((line) => line.includes('rejects the credential'))
    expect(warnings.filter((line) => line.includes(target.settings.name))).toHaveLength(1)
  })

  it('is not assumed for an AccessDeniedException about a model, which is passed on', async () => {
    const target = await rejecting(403, 'AccessDeniedException')
    const { status, headers } = await postJson(`${target.baseURL}/model/${NOVA}/converse`, path.apiKey, REQUEST)
    expect([status, headers['x-sluice-source']]).toEqual([403, 'upstream'])
    await target.ended('client_error')
  })
})

describe('a 429 of the gateway’s own', () => {
  it('is a ThrottlingException that names the limit', async () => {
    connection = await path.connection({ capacity: [{ period: 'hour', requests: 1 }] })
    const sdk = connection.sdk()
    await sdk.send(new ConverseCommand(REQUEST))
    const refused = sdk.send(new ConverseCommand(REQUEST))
    await expect(refused).rejects.toBeInstanceOf(ThrottlingException)
    await expect(refused).rejects.toThrow(/is at its capacity of 1 request/)
    await expect(refused).rejects.toMatchObject({ $metadata: { requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } })
  })

  it('makes the SDK retry after the given time', async () => {
    path.simulator.controls.add({ times: 1, pathPrefix: '/model/', fault: { kind: 'rate-limit', retryAfterMs: 1_000 } })
    await expect(connection.sdk().send(new ConverseCommand(REQUEST))).rejects.toBeInstanceOf(ThrottlingException)
    await eventually(() => expect(outcomes()).toEqual(['upstream_429']))
    const { $metadata } = await connection.sdk({ maxAttempts: 3 }).send(new ConverseCommand(REQUEST))
    expect($metadata.attempts).toBeGreaterThan(1)
    await eventually(() => expect(outcomes().slice(1)).toEqual(['denied', 'success']))
  })
})

describe('an error of the provider', () => {
  it.each([
    [400, ValidationException, 'client_error'],
    [403, AccessDeniedException, 'client_error'],
    [429, ThrottlingException, 'upstream_429'],
    [500, InternalServerException, 'upstream_error'],
    [503, ServiceUnavailableException, 'upstream_error'],
  ] as const)('of status %d is typed', async (status, exception, outcome) => {
    path.simulator.controls.add({ times: 1, pathPrefix: '/model/', fault: { kind: 'status', status } })
    await expect(connection.sdk().send(new ConverseCommand(REQUEST))).rejects.toBeInstanceOf(exception)
    await eventually(() => expect(outcomes()).toEqual([outcome]))
  })

  it.each([
    [429, ThrottlingException, 'upstream_429'],
    [503, ServiceUnavailableException, 'upstream_error'],
    [400, ValidationException, 'upstream_error'],
  ] as const)('of status %d inside a stream is typed, and counts as what it is', async (status, exception, outcome) => {
    const fault = { kind: 'error-mid-stream' as const, afterChunks: 5, status }
    path.simulator.controls.add({ times: 1, pathPrefix: '/model/', fault })
    connection = await path.connection({ capacity: [{ period: 'hour', requests: 100, tokens: 100_000 }] })
    const { stream = [] } = await connection.sdk().send(new ConverseStreamCommand(REQUEST))
    await expect(collected(stream)).rejects.toBeInstanceOf(exception)
    await eventually(() => expect(outcomes()).toEqual([outcome]))
    expect(events()[0]).toMatchObject({ upstreamStatus: 200 })
    // The prompt and what has passed by of the output, not all that was reserved.
    await eventually(async () => {
      const { windows } = await request(path.gateway.bus, capacityStatus, [connection.settings.id], {})
      const tokens = windows.find(({ metric }) => metric === 'tokens')?.used ?? 0
      expect(tokens).toBeGreaterThan(0)
      expect(tokens).toBeLessThan(Math.ceil(JSON.stringify(REQUEST).length / 4) + 40)
    })
  })

  it('of the gateway itself is typed too', async () => {
    const unknown = connection.sdk({ token: { token: 'slc_unknown' } }).send(new ConverseCommand(REQUEST))
    await expect(unknown).rejects.toMatchObject({ name: 'UnrecognizedClientException' })
    await expect(unknown).rejects.toBeInstanceOf(BedrockRuntimeServiceException)
    connection = await path.connection({ allowedModels: ['anthropic.*'] })
    await expect(connection.sdk().send(new ConverseCommand(REQUEST))).rejects.toBeInstanceOf(AccessDeniedException)
  })
})

it.each([
  [`/model/${encodeURIComponent(NOVA)}/converse`, REQUEST],
  [`/model/${encodeURIComponent(NOVA)}/converse-stream`, REQUEST],
  [`/model/${encodeURIComponent(CLAUDE)}/invoke`, MESSAGE],
  [`/model/${encodeURIComponent(CLAUDE)}/invoke-with-response-stream`, MESSAGE],
])('%s gets the same bytes as a direct request', async (target, body) => {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = ['content-type', 'application/json', 'x-simulator-seed', 'same']
  const assumer = createRoleAssumer({ endpoint: path.aws.url, maxAttempts: 1 })
  const role = { arn: ROLE_ARN, externalId: EXTERNAL_ID, region: REGION, sessionName: 'direct', sessionSeconds: 900 }
  const session = new RoleSession(await assumer.assume(role), Date.now())
  assumer.stop()
  const toSign = { method: 'POST', origin: path.simulator.url, path: target, headers, body: bytes }
  const signature = await session.sign(toSign, REGION)
  const direct = await sendRequest(path.simulator.url + target, {
    method: 'POST',
    headers: fieldsOf([...headers, ...signature]),
    body: bytes,
  })
  const proxied = await postJson(connection.endpoint + target, path.apiKey, body, { 'x-simulator-seed': 'same' })
  expect(direct.status).toBe(200)
  expect(proxied.status).toBe(200)
  expect(proxied.body.equals(direct.body)).toBe(true)
  expect(proxied.headers).toMatchObject({
    'content-type': direct.headers['content-type'],
    'x-amzn-requestid': direct.headers['x-amzn-requestid'],
  })
})

/** Headers by name, of names and values in turn. */
function fieldsOf(headers: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) fields[headers[i] ?? ''] = headers[i + 1] ?? ''
  return fields
}

async function collected<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
