import {
  type ContentBlock,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  type OutputConfig,
  type Tool,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'
import { bedrockClient, ROLE } from './bedrock-clients.ts'

const REQUEST: ConverseCommandInput = {
  modelId: 'anthropic.claude-haiku-4-5-20251001-v1:0',
  messages: [{ role: 'user', content: [{ text: 'Hello!' }] }],
}
const thinking = { type: 'enabled', budget_tokens: 1024 }
const THINKING: ConverseCommandInput = { ...REQUEST, additionalModelRequestFields: { thinking } }
const TOOL: Tool = { toolSpec: { name: 'get_weather', inputSchema: { json: { type: 'object' } } } }
const schema = JSON.stringify({ type: 'object', properties: { city: { type: 'string' } } })
const outputConfig: OutputConfig = { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema } } } }

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'aws-bedrock', accounts: [{ apiKey: 'aws-test', role: ROLE }] })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it('responds with JSON that fits a schema', async () => {
  expect(await converse({ ...REQUEST, outputConfig })).toMatchObject({
    output: { message: { content: [{ text: '{"city":"simulated"}' }] } },
    usage: { outputTokens: 5 },
  })
})

it("responds with JSON that fits a schema in Anthropic's own field", async () => {
  const fields = { output_config: { format: { type: 'json_schema', schema: JSON.parse(schema) } } }
  expect(await converse({ ...REQUEST, additionalModelRequestFields: fields })).toMatchObject({
    output: { message: { content: [{ text: '{"city":"simulated"}' }] } },
  })
  const nova = { ...REQUEST, modelId: 'amazon.nova-lite-v1:0', additionalModelRequestFields: fields }
  await expect(converse(nova)).rejects.toThrow(/extraneous key \[output_config\]/)
})

it('reasons first, whole and streamed, and counts the reasoning', async () => {
  const whole = await converse(THINKING)
  const [reasoning, text] = whole.output?.message?.content ?? []
  const { text: thought, signature } = reasoning?.reasoningContent?.reasoningText ?? {}
  expect(thought).toMatch(/^A simulated/)
  expect(text?.text).toMatch(/^This answer/)
  expect(whole.usage?.outputTokens).toBe(8 + 16)
  const { stream = [] } = await bedrockClient(simulator).send(new ConverseStreamCommand(THINKING))
  const blocks = (await Array.fromAsync(stream)).flatMap(({ contentBlockDelta }) => contentBlockDelta ?? [])
  const [first, second] = [0, 1].map((at) => blocks.filter(({ contentBlockIndex }) => contentBlockIndex === at))
  expect(first?.map(({ delta }) => delta?.reasoningContent?.text ?? '').join('')).toBe(thought)
  expect(first?.at(-1)?.delta?.reasoningContent?.signature).toBe(signature)
  expect(second?.map(({ delta }) => delta?.text ?? '').join('')).toBe(text?.text)
})

it('reasons with a model of Amazon’s, unsigned', async () => {
  const reasoningConfig = { type: 'enabled', maxReasoningEffort: 'low' }
  const { output } = await converse({
    ...REQUEST,
    modelId: 'amazon.nova-2-lite-v1:0',
    additionalModelRequestFields: { reasoningConfig },
  })
  const [reasoning] = output?.message?.content ?? []
  expect(reasoning?.reasoningContent?.reasoningText).toEqual({ text: expect.stringMatching(/^A simulated/) })
})

it('continues after a tool result only with the signed reasoning that led to it', async () => {
  simulator.controls.add({ times: 1, pathPrefix: '/model/', callTools: true })
  const asking = { ...THINKING, toolConfig: { tools: [TOOL] } }
  const [reasoning, use] = (await converse(asking)).output?.message?.content ?? []
  if (reasoning?.reasoningContent?.reasoningText === undefined || use?.toolUse === undefined) {
    throw new Error('no reasoning and no tool use')
  }
  const { toolUseId } = use.toolUse
  const goOn = (content: ContentBlock[]) =>
    converse({
      ...asking,
      messages: [
        ...(REQUEST.messages ?? []),
        { role: 'assistant', content },
        { role: 'user', content: [{ toolResult: { toolUseId, content: [{ text: '9 °C' }] } }] },
      ],
    })
  expect(await goOn([reasoning, use])).toMatchObject({ stopReason: 'end_turn' })
  await expect(goOn([use])).rejects.toThrow(/messages\.1\.content\.0\.type: Expected `thinking`/)
  const reasoningText = { ...reasoning.reasoningContent.reasoningText, signature: 'b3RoZXI=' }
  await expect(goOn([{ reasoningContent: { reasoningText } }, use])).rejects.toThrow(/Invalid `signature`/)
})

it.each<[string, Partial<ConverseCommandInput>]>([
  ['reasoning', { ...THINKING, modelId: 'amazon.nova-lite-v1:0' }],
  ['JSON of a schema', { outputConfig, modelId: 'amazon.nova-lite-v1:0' }],
  ['a forced tool', { ...THINKING, toolConfig: { tools: [TOOL], toolChoice: { any: {} } } }],
])('refuses %s where the model has none', async (_, change) => {
  await expect(converse({ ...REQUEST, ...change })).rejects.toBeInstanceOf(ValidationException)
})

async function converse(input: ConverseCommandInput) {
  return bedrockClient(simulator).send(new ConverseCommand(input))
}
