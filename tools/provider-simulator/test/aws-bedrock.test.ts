import {
  AccessDeniedException,
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ThrottlingException,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'
import { bedrockClient, ROLE } from './bedrock-clients.ts'

const ACCOUNT = { apiKey: 'aws-test', role: ROLE }
const CLAUDE = 'anthropic.claude-haiku-4-5-20251001-v1:0'
const REQUEST: ConverseCommandInput = {
  modelId: 'amazon.nova-lite-v1:0',
  messages: [{ role: 'user', content: [{ text: 'Hello!' }] }],
}
const MESSAGE = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hello!' }],
}

let simulator: ProviderSimulator

beforeEach(async () => {
  simulator = await startProviderSimulator({ provider: 'aws-bedrock', accounts: [ACCOUNT] })
})
afterEach(() => simulator.stop())

describe('Converse, through the official SDK', () => {
  it('responds with text and usage', async () => {
    const response = await bedrockClient(simulator).send(
      new ConverseCommand({ ...REQUEST, system: [{ text: 'Brief' }] }),
    )
    expect(response).toMatchObject({
      output: { message: { role: 'assistant', content: [{ text: expect.stringMatching(/^This answer/) }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 3, outputTokens: 16, totalTokens: 19 },
      metrics: { latencyMs: 19 },
    })
  })

  it('ends at the maximum that the caller states, on an inference profile too', async () => {
    const modelId = `arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.${REQUEST.modelId}`
    const response = await bedrockClient(simulator).send(
      new ConverseCommand({ ...REQUEST, modelId, inferenceConfig: { maxTokens: 3 } }),
    )
    expect(response).toMatchObject({ stopReason: 'max_tokens', usage: { outputTokens: 3 } })
  })

  it('streams the same text, and the usage at the end', async () => {
    const bedrock = bedrockClient(simulator)
    const whole = await bedrock.send(new ConverseCommand(REQUEST))
    const { stream = [] } = await bedrock.send(new ConverseStreamCommand(REQUEST))
    const events = await Array.fromAsync(stream)
    const text = events.map(({ contentBlockDelta }) => contentBlockDelta?.delta?.text ?? '').join('')
    expect([{ text }]).toEqual(whole.output?.message?.content)
    expect(events.at(0)).toMatchObject({ messageStart: { role: 'assistant' } })
    expect(events.at(-2)).toMatchObject({ messageStop: { stopReason: 'end_turn' } })
    expect(events.at(-1)).toMatchObject({ metadata: { usage: whole.usage } })
  })

  it.each([[{ any: {} }], [{ tool: { name: 'get_weather' } }]])(
    'uses the tool that %j demands, whole and streamed alike',
    async (toolChoice) => {
      const json = { type: 'object', properties: { city: { type: 'string' } } }
      const toolConfig = { tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json } } }], toolChoice }
      const bedrock = bedrockClient(simulator)
      const whole = await bedrock.send(new ConverseCommand({ ...REQUEST, toolConfig }))
      expect(whole).toMatchObject({
        stopReason: 'tool_use',
        output: { message: { content: [{ toolUse: { name: 'get_weather', input: { city: 'simulated' } } }] } },
      })
      const { stream = [] } = await bedrock.send(new ConverseStreamCommand({ ...REQUEST, toolConfig }))
      const events = await Array.fromAsync(stream)
      expect(events.find((event) => event.contentBlockStart)).toMatchObject({
        contentBlockStart: { start: { toolUse: { name: 'get_weather' } } },
      })
      const input = events.map(({ contentBlockDelta }) => contentBlockDelta?.delta?.toolUse?.input ?? '').join('')
      expect(JSON.parse(input)).toEqual({ city: 'simulated' })
    },
  )

  it('leaves out the usage when a control says so', async () => {
    simulator.controls.add({ omitUsage: true })
    expect((await bedrockClient(simulator).send(new ConverseCommand(REQUEST))).usage).toBeUndefined()
  })
})

describe('InvokeModel, through the official SDK', () => {
  it('responds to an Anthropic body in kind', async () => {
    const { body } = await bedrockClient(simulator).send(
      new InvokeModelCommand({ modelId: CLAUDE, body: JSON.stringify(MESSAGE) }),
    )
    expect(JSON.parse(body.transformToString())).toMatchObject({
      type: 'message',
      model: 'claude-haiku-4-5-20251001',
      stop_reason: 'end_turn',
      usage: { input_tokens: 2, output_tokens: 16 },
    })
  })

  it('streams Anthropic events, and its own count of tokens with the last one', async () => {
    const command = new InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body: JSON.stringify(MESSAGE) })
    const { body = [] } = await bedrockClient(simulator).send(command)
    const frames = await Array.fromAsync(body)
    const events = frames.map(({ chunk }) => JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()))
    expect(events.at(0)).toMatchObject({ type: 'message_start', message: { usage: { input_tokens: 2 } } })
    expect(events.at(-2)).toMatchObject({ type: 'message_delta', usage: { output_tokens: 16 } })
    expect(events.at(-1)).toMatchObject({
      type: 'message_stop',
      'amazon-bedrock-invocationMetrics': { inputTokenCount: 2, outputTokenCount: 16 },
    })
  })

  it('embeds with Titan', async () => {
    const body = JSON.stringify({ inputText: 'Hello!', dimensions: 256 })
    const response = await bedrockClient(simulator).send(
      new InvokeModelCommand({ modelId: 'amazon.titan-embed-text-v2:0', body }),
    )
    const { embedding, inputTextTokenCount } = JSON.parse(response.body.transformToString())
    expect(embedding).toHaveLength(256)
    expect(inputTextTokenCount).toBe(2)
  })

  it.each([
    [CLAUDE, { ...MESSAGE, anthropic_version: undefined }, 'anthropic_version: Field required'],
    [CLAUDE, { ...MESSAGE, model: CLAUDE }, 'model: Extra inputs are not permitted'],
    [CLAUDE, { ...MESSAGE, messages: [] }, 'at least one message is required'],
    ['amazon.titan-embed-text-v2:0', {}, 'required key [inputText] not found'],
    ['amazon.nova-lite-v1:0', MESSAGE, 'use Converse'],
  ])('refuses to invoke %s with %j', async (modelId, body, message) => {
    const error = await rejection(new InvokeModelCommand({ modelId, body: JSON.stringify(body) }))
    expect(error).toBeInstanceOf(ValidationException)
    expect(error.message).toContain(message)
  })
})

describe('errors, as the official SDK raises them', () => {
  it('throttles', async () => {
    simulator.accounts.register({ ...ACCOUNT, limits: { requests: { limit: 1, period: 'minute' } } })
    const bedrock = bedrockClient(simulator)
    await bedrock.send(new ConverseCommand(REQUEST))
    const error = await rejection(new ConverseCommand(REQUEST), bedrock)
    expect(error).toBeInstanceOf(ThrottlingException)
    expect(error).toMatchObject({
      $metadata: { httpStatusCode: 429 },
      message: expect.stringMatching(/^Too many requests/),
    })
  })

  it.each([
    [403, AccessDeniedException],
    [429, ThrottlingException],
    [400, ValidationException],
  ])('responds with the exception of status %i when a control says so', async (status, errorClass) => {
    simulator.controls.add({ pathPrefix: '/model/', fault: { kind: 'status', status } })
    expect(await rejection(new ConverseCommand(REQUEST))).toBeInstanceOf(errorClass)
  })

  const toolUse = { toolUseId: 'one', name: 'x', input: {} }
  const closed = { toolSpec: { name: 'x', inputSchema: { json: { type: 'object', additionalProperties: false } } } }
  const jsonSchema = { name: 'x', schema: '{"type":"object"}' }
  const text = [{ text: 'Hello!' }]
  it.each([
    ['an unknown model', { modelId: 'amazon.nova-0' }, 'model identifier is invalid'],
    ['a model of another kind', { modelId: 'amazon.titan-embed-text-v2:0' }, "doesn't support the Converse API"],
    [
      'more of a tool’s schema than Nova takes',
      { toolConfig: { tools: [closed] } },
      '#/toolConfig/tools/0/toolSpec/inputSchema/json: extraneous key [additionalProperties] is not permitted',
    ],
    [
      'output by a schema of a Claude that has none in Converse',
      {
        modelId: 'us.anthropic.claude-opus-4-7',
        outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } },
      },
      'output_config.format: Extra inputs are not permitted',
    ],
    ['no messages', { messages: [] }, 'must have at least one message'],
    ['an empty message', { messages: [{ role: 'user', content: [] }] }, "at 'messages.0.content' failed to satisfy"],
    ['a blank text', { messages: [{ role: 'user', content: [{ text: '' }] }] }, 'is blank'],
    [
      'an assistant message first',
      { messages: [{ role: 'assistant', content: text }] },
      'must start with a user message',
    ],
    [
      'two user messages in a row',
      {
        messages: [
          { role: 'user', content: text },
          { role: 'user', content: text },
        ],
      },
      'must alternate between user and assistant',
    ],
    ['a temperature out of range', { inferenceConfig: { temperature: 2 } }, "at 'inferenceConfig.temperature'"],
    [
      'a tool without its result',
      {
        messages: [
          { role: 'user', content: text },
          { role: 'assistant', content: [{ toolUse }] },
          { role: 'user', content: text },
        ],
      },
      'Expected toolResult blocks at messages.2.content for the following Ids: one',
    ],
  ])('refuses %s', async (_, change, message) => {
    const error = await rejection(new ConverseCommand({ ...REQUEST, ...change } as ConverseCommandInput))
    expect(error).toBeInstanceOf(ValidationException)
    expect(error.message).toContain(message)
  })
})

describe('failing streams', () => {
  it.each([
    [429, 'ThrottlingException'],
    [424, 'ModelStreamErrorException'],
    [500, 'InternalServerException'],
  ])('end with the exception of %i', async (status, name) => {
    simulator.controls.add({ pathPrefix: '/model/', fault: { kind: 'error-mid-stream', afterChunks: 3, status } })
    await expect(readStream()).rejects.toMatchObject({ name })
    const command = new InvokeModelWithResponseStreamCommand({ modelId: CLAUDE, body: JSON.stringify(MESSAGE) })
    const { body = [] } = await bedrockClient(simulator).send(command)
    await expect(Array.fromAsync(body)).rejects.toMatchObject({ name })
  })

  it('break off in the middle of a frame', async () => {
    const fault = { kind: 'break-mid-stream', afterChunks: 3, partialChunk: true } as const
    simulator.controls.add({ pathPrefix: '/model/', fault })
    await expect(readStream()).rejects.toThrow()
    await expect.poll(() => simulator.requests.list().at(-1)).toMatchObject({ outcome: 'broken-off' })
  })
})

async function readStream(): Promise<unknown> {
  const { stream = [] } = await bedrockClient(simulator).send(new ConverseStreamCommand(REQUEST))
  return Array.fromAsync(stream)
}

async function rejection(
  command: ConverseCommand | InvokeModelCommand,
  bedrock?: BedrockRuntimeClient,
): Promise<BedrockRuntimeServiceException> {
  const sender = bedrock ?? bedrockClient(simulator)
  const sending = command instanceof ConverseCommand ? sender.send(command) : sender.send(command)
  const error = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof BedrockRuntimeServiceException) return error
  throw new Error('expected an exception of the service', { cause: error })
}
