import type { Generation } from '../../core/generation.ts'
import { isRecord, recordsOf } from '../../core/is-record.ts'
import { sampleJson } from '../../core/sample-json.ts'
import { type SimulatedResponse, simulatedResponse } from '../../core/simulated-answer.ts'
import { textChars } from '../../core/text-chars.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import { contentBlocks } from './content-blocks.ts'
import { asksToThink, showsThought } from './thinking.ts'

/** What a message says, however it is sent. */
export interface Message {
  readonly id: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly answer: SimulatedResponse
  /** Whether what it thought is said: left out, its block has a signature alone. */
  readonly showsThought: boolean
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
  const tool = calledTool(json.tools, json.tool_choice, generation.callsTools)
  const input = tool && (sampleJson(tool.input_schema) ?? {})
  const answer = simulatedResponse(generation, {
    thinks: asksToThink(json),
    schema: outputSchema(json),
    toolArguments: tool && JSON.stringify(input),
    maxTokens: typeof json.max_tokens === 'number' ? json.max_tokens : undefined,
  })
  return {
    id: `msg_01${ids(22)}`,
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: answer.outputTokens,
    answer,
    showsThought: showsThought(json),
    stopReason: tool ? 'tool_use' : answer.cut ? 'max_tokens' : 'end_turn',
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
    content: contentBlocks(message).map((block) => block.whole()),
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

/** What `tool_choice` demands: the tool it names, or the first for `any`, and for `auto` if `callsFreely`. */
function calledTool(tools: unknown, choice: unknown, callsFreely: boolean): Record<string, unknown> | undefined {
  const declared = recordsOf(tools)
  const { type = 'auto', name } = isRecord(choice) ? choice : {}
  if (type === 'any' || (type === 'auto' && callsFreely)) return declared[0]
  return type === 'tool' ? declared.find((tool) => tool.name === name) : undefined
}

/** Structured outputs: https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function outputSchema({ output_config: config }: Readonly<Record<string, unknown>>): unknown {
  return isRecord(config) && isRecord(config.format) ? config.format.schema : undefined
}
