import type { Generation } from '../core/generation.ts'
import { isRecord, recordsOf } from '../core/json.ts'
import { generateOutput, type ModelOutput, pieces, signatureOf } from '../core/model-output.ts'
import { jsonResponse, type ProviderResponse } from '../core/responses.ts'
import { sampleJson } from '../core/sample-json.ts'
import type { ProviderRoute } from '../core/simulated-provider.ts'
import { textChars, tokensOfChars } from '../core/token-counts.ts'
import { validationError } from './errors.ts'
import { eventFrame, frameStream, padding } from './event-frames.ts'
import { type Model, modelRoute } from './models.ts'
import { asksToReason, reasoningProblem } from './reasoning.ts'
import { converseProblem, outputSchema } from './request-validation.ts'

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, plain and streamed. */
export const converseRoutes: readonly ProviderRoute[] = [
  converseRoute('converse', (conversation) => jsonResponse(conversationObject(conversation))),
  converseRoute('converse-stream', (conversation) => frameStream(conversationFrames(conversation))),
]

function converseRoute(operation: string, send: (conversation: Conversation) => ProviderResponse): ProviderRoute {
  return modelRoute(operation, ({ json, model, generation }) => {
    if (model.kind === 'titan-embedding') {
      return validationError(`The model ${model.id} doesn't support the Converse API.`)
    }
    const problem = converseProblem(json, model) ?? reasoningProblem(json, model)
    if (problem !== undefined) return validationError(problem)
    const conversation = converse(json, model, generation)
    const { inputTokens, outputTokens } = conversation
    return { charge: { model: model.id, inputTokens, outputTokens }, respond: () => send(conversation) }
  })
}

/** The content of a response, whether it is sent whole or streamed. */
interface Conversation {
  readonly inputTokens: number
  /** Reasoning included. */
  readonly outputTokens: number
  readonly output: ModelOutput
  /** Of the reasoning; only Anthropic's models sign it. */
  readonly signature: string | undefined
  readonly stopReason: 'end_turn' | 'max_tokens' | 'tool_use'
  /** In place of text. */
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown }
  readonly omitUsage: boolean
}

/** Creates the response to a valid request. */
function converse(json: Readonly<Record<string, unknown>>, model: Model, generation: Generation): Conversation {
  const tool = calledTool(json.toolConfig, generation.callsTools)
  const input = tool && (sampleJson(isRecord(tool.inputSchema) ? tool.inputSchema.json : undefined) ?? {})
  const maximum = isRecord(json.inferenceConfig) ? json.inferenceConfig.maxTokens : undefined
  const output = generateOutput(generation, {
    thinks: asksToReason(json),
    schema: outputSchema(json),
    toolArguments: tool && JSON.stringify(input),
    maxTokens: typeof maximum === 'number' ? maximum : undefined,
  })
  return {
    inputTokens: tokensOfChars(textChars(json.system, TEXT_FIELDS) + textChars(json.messages, TEXT_FIELDS)),
    outputTokens: output.outputTokens,
    output,
    signature: model.kind === 'anthropic' ? signatureOf(output.thought.whole()) : undefined,
    stopReason: tool ? 'tool_use' : output.truncated ? 'max_tokens' : 'end_turn',
    omitUsage: generation.omitUsage,
    ...(tool && { toolUse: { toolUseId: `tooluse_${generation.ids(22)}`, name: String(tool.name), input } }),
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, the response. */
function conversationObject(conversation: Conversation) {
  const { toolUse, output, signature, stopReason, omitUsage } = conversation
  const block = toolUse === undefined ? { text: output.text.whole() } : { toolUse }
  const reasoningText = { text: output.thought.whole(), ...(signature !== undefined && { signature }) }
  const content = output.thought.tokens > 0 ? [{ reasoningContent: { reasoningText } }, block] : [block]
  return {
    metrics: metrics(conversation),
    output: { message: { content, role: 'assistant' } },
    stopReason,
    ...(!omitUsage && { usage: usage(conversation) }),
  }
}

/** Nothing is cached. */
function usage({ inputTokens, outputTokens }: Conversation) {
  return {
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
  }
}

/** Always the same: a millisecond per token. */
function metrics({ inputTokens, outputTokens }: Conversation) {
  return { latencyMs: inputTokens + outputTokens }
}

const TEXT_FIELDS = ['text', 'content', 'toolResult'] as const

/**
 * Finds the tool that `toolChoice` demands: the one it names, or the first for `any`, and for `auto` if `callsFreely`.
 */
function calledTool(toolConfig: unknown, callsFreely: boolean): Record<string, unknown> | undefined {
  if (!isRecord(toolConfig)) return undefined
  const specs = recordsOf(recordsOf(toolConfig.tools).map(({ toolSpec }) => toolSpec))
  const { any, tool } = isRecord(toolConfig.toolChoice) ? toolConfig.toolChoice : {}
  if (any !== undefined || (tool === undefined && callsFreely)) return specs[0]
  return isRecord(tool) ? specs.find(({ name }) => name === tool.name) : undefined
}

/**
 * Streams one delta per token, reasoning first, and the usage in the last event. Only a tool's block has a start event.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
function* conversationFrames(conversation: Conversation): Generator<Uint8Array> {
  let index = 0
  for (const [eventType, event] of events(conversation)) {
    yield eventFrame(eventType, { ...event, p: padding(index) })
    index += 1
  }
}

type Event = readonly [type: string, event: object]

function* events(conversation: Conversation): Generator<Event> {
  const { toolUse, output, stopReason, omitUsage } = conversation
  const reasons = output.thought.tokens > 0
  const place = { contentBlockIndex: reasons ? 1 : 0 }
  yield ['messageStart', { role: 'assistant' }]
  if (reasons) yield* reasoningEvents(conversation, { contentBlockIndex: 0 })
  if (toolUse !== undefined) {
    const { toolUseId, name } = toolUse
    yield ['contentBlockStart', { ...place, start: { toolUse: { toolUseId, name } } }]
  }
  for (const delta of deltas(conversation)) yield ['contentBlockDelta', { ...place, delta }]
  yield ['contentBlockStop', place]
  yield ['messageStop', { stopReason }]
  yield ['metadata', { metrics: metrics(conversation), ...(!omitUsage && { usage: usage(conversation) }) }]
}

function* reasoningEvents({ output, signature }: Conversation, place: object): Generator<Event> {
  const delta = (reasoningContent: object): Event => ['contentBlockDelta', { ...place, delta: { reasoningContent } }]
  for (const text of output.thought.pieces()) yield delta({ text })
  if (signature !== undefined) yield delta({ signature })
  yield ['contentBlockStop', place]
}

function* deltas({ toolUse, output }: Conversation): Generator<object> {
  if (toolUse === undefined) {
    for (const text of output.text.pieces()) yield { text }
    return
  }
  for (const input of pieces(JSON.stringify(toolUse.input))) yield { toolUse: { input } }
}
