import type { Generation } from '../../core/generation.ts'
import { isRecord, recordsOf } from '../../core/is-record.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { signatureOf } from '../../core/signature.ts'
import { type SimulatedResponse, simulatedResponse } from '../../core/simulated-answer.ts'
import { textChars } from '../../core/text-chars.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import type { Model } from './model-catalogue.ts'
import { outputSchema } from './output-schema.ts'
import { asksToReason } from './reasoning.ts'

/** What the answer to a conversation says, however it is sent. */
export interface Conversation {
  readonly inputTokens: number
  /** Reasoning included. */
  readonly outputTokens: number
  readonly answer: SimulatedResponse
  /** What the reasoning is signed with; only Anthropic's models sign it. */
  readonly signature: string | undefined
  readonly stopReason: 'end_turn' | 'max_tokens' | 'tool_use'
  /** In place of text. */
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown }
  readonly omitUsage: boolean
}

/** The answer to a request that is valid. */
export function converse(json: Readonly<Record<string, unknown>>, model: Model, generation: Generation): Conversation {
  const tool = calledTool(json.toolConfig, generation.callsTools)
  const input = tool && (sampleJson(isRecord(tool.inputSchema) ? tool.inputSchema.json : undefined) ?? {})
  const maximum = isRecord(json.inferenceConfig) ? json.inferenceConfig.maxTokens : undefined
  const answer = simulatedResponse(generation, {
    thinks: asksToReason(json),
    schema: outputSchema(json),
    toolArguments: tool && JSON.stringify(input),
    maxTokens: typeof maximum === 'number' ? maximum : undefined,
  })
  return {
    inputTokens: tokensOfChars(textChars(json.system, TEXT_FIELDS) + textChars(json.messages, TEXT_FIELDS)),
    outputTokens: answer.outputTokens,
    answer,
    signature: model.kind === 'anthropic' ? signatureOf(answer.thought.whole()) : undefined,
    stopReason: tool ? 'tool_use' : answer.cut ? 'max_tokens' : 'end_turn',
    omitUsage: generation.omitUsage,
    ...(tool && { toolUse: { toolUseId: `tooluse_${generation.ids(22)}`, name: String(tool.name), input } }),
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, the answer. */
export function conversationObject(conversation: Conversation) {
  const { toolUse, answer, signature, stopReason, omitUsage } = conversation
  const said = toolUse === undefined ? { text: answer.text.whole() } : { toolUse }
  const reasoningText = { text: answer.thought.whole(), ...(signature !== undefined && { signature }) }
  const content = answer.thought.tokens > 0 ? [{ reasoningContent: { reasoningText } }, said] : [said]
  return {
    metrics: metrics(conversation),
    output: { message: { content, role: 'assistant' } },
    stopReason,
    ...(!omitUsage && { usage: usage(conversation) }),
  }
}

/** Nothing is cached. */
export function usage({ inputTokens, outputTokens }: Conversation) {
  return {
    cacheReadInputTokens: 0,
    cacheWriteInputTokens: 0,
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
  }
}

/** Made up, so that it is the same every time: a millisecond a token. */
export function metrics({ inputTokens, outputTokens }: Conversation) {
  return { latencyMs: inputTokens + outputTokens }
}

const TEXT_FIELDS = ['text', 'content', 'toolResult'] as const

/** What `toolChoice` demands: the tool it names, or the first for `any`, and for `auto` if `callsFreely`. */
function calledTool(toolConfig: unknown, callsFreely: boolean): Record<string, unknown> | undefined {
  if (!isRecord(toolConfig)) return undefined
  const specs = recordsOf(recordsOf(toolConfig.tools).map(({ toolSpec }) => toolSpec))
  const { any, tool } = isRecord(toolConfig.toolChoice) ? toolConfig.toolChoice : {}
  if (any !== undefined || (tool === undefined && callsFreely)) return specs[0]
  return isRecord(tool) ? specs.find(({ name }) => name === tool.name) : undefined
}
