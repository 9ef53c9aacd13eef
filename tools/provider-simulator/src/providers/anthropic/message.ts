import type { Generation } from '../../core/generation.ts'
import { isRecord } from '../../core/is-record.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { simulatedText } from '../../core/simulated-text.ts'
import { textChars } from '../../core/text-chars.ts'
import { outputLength, tokensOfChars } from '../../core/tokens.ts'

/** What a message says, however it is sent. */
export interface Message {
  readonly id: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly stopReason: 'end_turn' | 'max_tokens' | 'tool_use'
  /** In place of text. */
  readonly toolUse?: ToolUse
  readonly omitUsage: boolean
}

export interface ToolUse {
  readonly id: string
  readonly name: string
  /** Fits the tool's schema. */
  readonly input: unknown
}

/** The answer to a request that is valid. */
export function createMessage(json: Readonly<Record<string, unknown>>, model: string, generation: Generation): Message {
  const { ids } = generation
  const tool = demandedTool(json.tools, json.tool_choice)
  const input = tool && (sampleJson(tool.input_schema) ?? {})
  const wanted = generation.outputTokens ?? (tool && tokensOfChars(JSON.stringify(input).length))
  const { tokens, cut } = outputLength(wanted, typeof json.max_tokens === 'number' ? json.max_tokens : undefined)
  return {
    id: `msg_01${ids(22)}`,
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: tokens,
    stopReason: tool ? 'tool_use' : cut ? 'max_tokens' : 'end_turn',
    omitUsage: generation.omitUsage,
    ...(tool && { toolUse: { id: `toolu_01${ids(22)}`, name: String(tool.name), input } }),
  }
}

/** Of system prompt and messages. Images and documents count nothing. */
export function inputTokensOf({ system, messages }: Readonly<Record<string, unknown>>): number {
  return tokensOfChars(textChars(system, TEXT_FIELDS) + textChars(messages, TEXT_FIELDS))
}

/** https://platform.claude.com/docs/en/api/messages, the answer. */
export function messageObject(message: Message) {
  return {
    model: message.model,
    id: message.id,
    type: 'message',
    role: 'assistant',
    content: [contentBlock(message)],
    stop_reason: message.stopReason,
    stop_sequence: null,
    ...(!message.omitUsage && { usage: messageUsage(message.inputTokens, message.outputTokens) }),
  }
}

/** Nothing is cached. */
export function messageUsage(inputTokens: number, outputTokens: number) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}

const TEXT_FIELDS = ['text', 'content', 'thinking'] as const

/** What `tool_choice` demands: the tool it names, or the first for `any`. */
function demandedTool(tools: unknown, choice: unknown): Record<string, unknown> | undefined {
  if (!Array.isArray(tools) || !isRecord(choice)) return undefined
  const declared = tools.filter(isRecord)
  if (choice.type === 'any') return declared[0]
  return choice.type === 'tool' ? declared.find(({ name }) => name === choice.name) : undefined
}

function contentBlock({ toolUse, outputTokens }: Message) {
  if (toolUse !== undefined) return { type: 'tool_use', ...toolUse }
  return { type: 'text', text: simulatedText(outputTokens) }
}
