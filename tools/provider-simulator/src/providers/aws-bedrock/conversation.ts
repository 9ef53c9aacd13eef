import type { Generation } from '../../core/generation.ts'
import { isRecord, recordsOf } from '../../core/is-record.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { simulatedText } from '../../core/simulated-text.ts'
import { textChars } from '../../core/text-chars.ts'
import { outputLength, tokensOfChars } from '../../core/tokens.ts'

/** What the answer to a conversation says, however it is sent. */
export interface Conversation {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly stopReason: 'end_turn' | 'max_tokens' | 'tool_use'
  /** In place of text. */
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: unknown }
  readonly omitUsage: boolean
}

/** The answer to a request that is valid. */
export function converse(json: Readonly<Record<string, unknown>>, generation: Generation): Conversation {
  const tool = demandedTool(json.toolConfig)
  const input = tool && (sampleJson(isRecord(tool.inputSchema) ? tool.inputSchema.json : undefined) ?? {})
  const wanted = generation.outputTokens ?? (tool && tokensOfChars(JSON.stringify(input).length))
  const maximum = isRecord(json.inferenceConfig) ? json.inferenceConfig.maxTokens : undefined
  const { tokens, cut } = outputLength(wanted, typeof maximum === 'number' ? maximum : undefined)
  return {
    inputTokens: tokensOfChars(textChars(json.system, TEXT_FIELDS) + textChars(json.messages, TEXT_FIELDS)),
    outputTokens: tokens,
    stopReason: tool ? 'tool_use' : cut ? 'max_tokens' : 'end_turn',
    omitUsage: generation.omitUsage,
    ...(tool && { toolUse: { toolUseId: `tooluse_${generation.ids(22)}`, name: String(tool.name), input } }),
  }
}

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, the answer. */
export function conversationObject(conversation: Conversation) {
  const { toolUse, outputTokens, stopReason, omitUsage } = conversation
  const block = toolUse === undefined ? { text: simulatedText(outputTokens) } : { toolUse }
  return {
    metrics: metrics(conversation),
    output: { message: { content: [block], role: 'assistant' } },
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

/** What `toolChoice` demands: the tool it names, or the first for `any`. */
function demandedTool(toolConfig: unknown): Record<string, unknown> | undefined {
  if (!isRecord(toolConfig) || !isRecord(toolConfig.toolChoice)) return undefined
  const specs = recordsOf(recordsOf(toolConfig.tools).map(({ toolSpec }) => toolSpec))
  const { any, tool } = toolConfig.toolChoice
  if (any !== undefined) return specs[0]
  return isRecord(tool) ? specs.find(({ name }) => name === tool.name) : undefined
}
