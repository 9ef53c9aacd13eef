import type { Generation } from '../core/generation.ts'
import { isRecord, recordsOf } from '../core/json.ts'
import { generateOutput, type ModelOutput, pieces, signatureOf } from '../core/model-output.ts'
import { sampleJson } from '../core/sample-json.ts'
import { textChars, tokensOfChars } from '../core/token-counts.ts'
import { asksToThink, showsThought } from './thinking.ts'

/** The content of a message, whether it is sent whole or streamed. */
export interface Message {
  readonly id: string
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly output: ModelOutput
  /** Otherwise the block of its thoughts has only a signature. */
  readonly showsThought: boolean
  readonly stopReason: 'end_turn' | 'max_tokens' | 'tool_use'
  /** In place of text. */
  readonly toolUse?: ToolUse
  readonly omitUsage: boolean
}

interface ToolUse {
  readonly id: string
  readonly name: string
  /** Fits the tool's schema. */
  readonly input: unknown
}

/** Creates the response to a valid request. */
export function createMessage(json: Readonly<Record<string, unknown>>, model: string, generation: Generation): Message {
  const { ids } = generation
  const tool = calledTool(json.tools, json.tool_choice, generation.callsTools)
  const input = tool && (sampleJson(tool.input_schema) ?? {})
  const output = generateOutput(generation, {
    thinks: asksToThink(json),
    schema: outputSchema(json),
    toolArguments: tool && JSON.stringify(input),
    maxTokens: typeof json.max_tokens === 'number' ? json.max_tokens : undefined,
  })
  return {
    id: `msg_01${ids(22)}`,
    model,
    inputTokens: inputTokensOf(json),
    outputTokens: output.outputTokens,
    output,
    showsThought: showsThought(json),
    stopReason: tool ? 'tool_use' : output.truncated ? 'max_tokens' : 'end_turn',
    omitUsage: generation.omitUsage,
    ...(tool && { toolUse: { id: `toolu_01${ids(22)}`, name: String(tool.name), input } }),
  }
}

/** Counts the tokens of system prompt and messages. Images and documents count nothing. */
export function inputTokensOf({ system, messages }: Readonly<Record<string, unknown>>): number {
  return tokensOfChars(textChars(system, TEXT_FIELDS) + textChars(messages, TEXT_FIELDS))
}

/** https://platform.claude.com/docs/en/api/messages, the response. */
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
function messageUsage(inputTokens: number, outputTokens: number) {
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

/**
 * Finds the tool that `tool_choice` demands: the one it names, or the first for `any`, and for `auto` if `callsFreely`.
 */
function calledTool(tools: unknown, choice: unknown, callsFreely: boolean): Record<string, unknown> | undefined {
  const declared = recordsOf(tools)
  const { type = 'auto', name } = isRecord(choice) ? choice : {}
  if (type === 'any' || (type === 'auto' && callsFreely)) return declared[0]
  return type === 'tool' ? declared.find((tool) => tool.name === name) : undefined
}

/** Returns the schema of structured output: https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function outputSchema({ output_config: config }: Readonly<Record<string, unknown>>): unknown {
  return isRecord(config) && isRecord(config.format) ? config.format.schema : undefined
}

/** A block of a message's content, whole and as a stream sends it. */
export interface ContentBlock {
  whole(): object
  readonly started: object
  deltas(): Iterable<object>
}

/** Thoughts come first, then a tool use or text; no text if the thoughts used up the output maximum. */
export function contentBlocks(message: Message): readonly ContentBlock[] {
  const { output, toolUse } = message
  const thinks = output.thought.tokens > 0
  const blocks = thinks ? [thinkingBlock(message)] : []
  if (toolUse !== undefined) return [...blocks, toolUseBlock(toolUse)]
  return thinks && output.text.tokens === 0 ? blocks : [...blocks, textBlock(message)]
}

/** https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
function thinkingBlock({ output, showsThought }: Message): ContentBlock {
  const thinking = showsThought ? output.thought.whole() : ''
  const signature = signatureOf(thinking)
  return {
    whole: () => ({ type: 'thinking', thinking, signature }),
    started: { type: 'thinking', thinking: '', signature: '' },
    *deltas() {
      if (showsThought) for (const piece of output.thought.pieces()) yield { type: 'thinking_delta', thinking: piece }
      yield { type: 'signature_delta', signature }
    },
  }
}

function toolUseBlock(toolUse: NonNullable<Message['toolUse']>): ContentBlock {
  return {
    whole: () => ({ type: 'tool_use', ...toolUse }),
    started: { type: 'tool_use', ...toolUse, input: {} },
    *deltas() {
      yield { type: 'input_json_delta', partial_json: '' }
      for (const piece of pieces(JSON.stringify(toolUse.input))) yield { type: 'input_json_delta', partial_json: piece }
    },
  }
}

function textBlock({ output: { text } }: Message): ContentBlock {
  return {
    whole: () => ({ type: 'text', text: text.whole() }),
    started: { type: 'text', text: '' },
    *deltas() {
      for (const piece of text.pieces()) yield { type: 'text_delta', text: piece }
    },
  }
}

export interface MessageEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/**
 * Streams one delta per token. The usage comes twice: at the start, with one output token so far, and before the end,
 * where it is cumulative.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export function* messageEvents(message: Message): Generator<MessageEvent> {
  const { inputTokens, outputTokens, omitUsage } = message
  yield {
    type: 'message_start',
    message: {
      ...messageObject(message),
      content: [],
      stop_reason: null,
      ...(!omitUsage && { usage: messageUsage(inputTokens, Math.min(1, outputTokens)) }),
    },
  }
  for (const [index, { started, deltas }] of contentBlocks(message).entries()) {
    yield { type: 'content_block_start', index, content_block: started }
    if (index === 0) yield { type: 'ping' }
    for (const delta of deltas()) yield { type: 'content_block_delta', index, delta }
    yield { type: 'content_block_stop', index }
  }
  const { cache_creation: _, service_tier: __, ...usage } = messageUsage(inputTokens, outputTokens)
  yield {
    type: 'message_delta',
    delta: { stop_reason: message.stopReason, stop_sequence: null },
    ...(!omitUsage && { usage }),
  }
  yield { type: 'message_stop' }
}
