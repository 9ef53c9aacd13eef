import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  ThrottlingException,
} from '@aws-sdk/client-bedrock-runtime'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type BedrockConnection, startBedrockPath } from './support/start-bedrock-path.ts'
import { startBeforeAll } from './support/start-before-all.ts'

const REQUEST: ConverseCommandInput = {
  modelId: 'amazon.nova-lite-v1:0',
  messages: [{ role: 'user', content: [{ text: 'What does a sluice do?' }] }],
  inferenceConfig: { maxTokens: 2_000 },
}
let connection: BedrockConnection
let sdk: BedrockRuntimeClient

const path = startBeforeAll(startBedrockPath)

beforeEach(async () => {
  connection = await path.connection()
  sdk = clientOf(connection)
})
afterEach(() => {
  sdk.destroy()
  path.simulator.controls.clear()
})

/** AWS's SDK as an application makes it: with its own request handler, which speaks HTTP/2. */
const clientOf = ({ endpoint }: BedrockConnection) =>
  new BedrockRuntimeClient({
    endpoint,
    region: 'us-east-1',
    token: { token: path.apiKey },
    authSchemePreference: ['httpBearerAuth'],
    maxAttempts: 1,
  })

const outcomes = () =>
  path.gateway.events
    .filter(({ connectionId }) => connectionId === connection.settings.id)
    .map((event) => event.outcome)

it('converses, plain and streamed, over HTTP/2', async () => {
  expect(sdk.config.requestHandler.metadata?.handlerProtocol).toBe('h2')
  const plain = await sdk.send(new ConverseCommand(REQUEST))
  const { stream = [] } = await sdk.send(new ConverseStreamCommand(REQUEST))
  let text = ''
  for await (const event of stream) text += event.contentBlockDelta?.delta?.text ?? ''
  expect(plain.output?.message?.content).toEqual([{ text }])
  await eventually(() => expect(outcomes()).toEqual(['success', 'success']))
})

it('gets a typed error for a limit', async () => {
  connection = await path.connection({ capacity: [{ period: 'hour', requests: 1 }] })
  const limited = clientOf(connection)
  await limited.send(new ConverseCommand(REQUEST))
  await expect(limited.send(new ConverseCommand(REQUEST))).rejects.toBeInstanceOf(ThrottlingException)
  limited.destroy()
})

it('aborts the upstream call when it stops in the middle of a stream', async () => {
  path.simulator.controls.add({ pathPrefix: '/model/', chunkDelayMs: 20, outputTokens: 1_000 })
  const controller = new AbortController()
  const { stream = [] } = await sdk.send(new ConverseStreamCommand(REQUEST), { abortSignal: controller.signal })
  let seen = 0
  for await (const _ of stream) if (++seen === 3) break
  controller.abort()
  await eventually(() => expect(path.simulator.requests.list().at(-1)?.outcome).toBe('client-disconnected'))
  await eventually(() => expect(outcomes()).toEqual(['aborted']))
})

it('gets an error when the provider breaks off a stream', async () => {
  path.simulator.controls.add({ pathPrefix: '/model/', fault: { kind: 'break-mid-stream', afterChunks: 5 } })
  const { stream = [] } = await sdk.send(new ConverseStreamCommand(REQUEST))
  const read = async () => {
    for await (const _ of stream);
  }
  await expect(read()).rejects.toThrow()
  await eventually(() => expect(outcomes()).toEqual(['upstream_error']))
})
