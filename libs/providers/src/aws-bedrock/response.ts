import { totalUsage } from '../claude/usage.ts'
import {
  type CompletedChat,
  chatCompletion,
  type Finish,
  type FinishReason,
  type ResponseContent,
  type ResponseToolCall,
  responseMessage,
} from '../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../unified/json-tool.ts'
import { isFailure, type TranslatedFailure, UNSUPPORTED_CONTENT } from '../unified/response-translators.ts'
import type { RequestedResponse, TranslatedError } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { writtenText } from '../wire/json-source.ts'
import { extraContent, type PlacedReasoning } from './reasoning.ts'
import { toToolCall } from './tools.ts'
import { readConverseUsage } from './usage.ts'

/** A whole answer of Converse; a failure where the model failed, or says what cannot be told. Undefined where it is no answer. */
export function toChatCompletion(
  asked: RequestedResponse,
  answer: unknown,
): CompletedChat | TranslatedFailure | undefined {
  if (!isRecord(answer) || !isRecord(answer.output) || !isRecord(answer.output.message)) return undefined
  const { content: blocks } = answer.output.message
  if (!Array.isArray(blocks)) return undefined
  const read = readResponseContent(blocks)
  if (isFailure(read)) return read
  const content = inJson(read, asked.jsonTool, answer.stopReason)
  const finish = finishOf(answer.stopReason, content.calls.length > 0)
  if (isFailure(finish)) return finish
  const choice = {
    index: 0,
    message: responseMessage(content, extraContent(content.placed)),
    finish_reason: endsWithJson(asked.jsonTool, answer.stopReason, content.calls.length > 0)
      ? ('stop' as const)
      : finish.reason,
    logprobs: null,
  }
  return chatCompletion(asked, [choice], totalUsage(readConverseUsage(answer.usage)))
}

/** What an answer's blocks say. */
export interface ConverseContent extends ResponseContent {
  /** What of the reasoning is to be sent back. */
  readonly placed: readonly PlacedReasoning[]
}

/**
 * Reads the blocks of an answer. A failure where a chat completion has no place for one, or a tool call cannot be told. Blocks of kinds that are not known are
 * left out: they are of tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
export function readResponseContent(blocks: readonly unknown[]): ConverseContent | TranslatedFailure {
  let text = ''
  let reasoning = ''
  const calls: ResponseToolCall[] = []
  const placed: PlacedReasoning[] = []
  for (const block of blocks) {
    if (!isRecord(block)) continue
    if (isForeign(block)) return { failure: UNSUPPORTED_CONTENT }
    text += textOf(block)
    if (isRecord(block.toolUse) && !isServed(block.toolUse)) {
      const call = toToolCall(block.toolUse, writtenText(block.toolUse.input ?? {}) ?? '')
      if (call === undefined) return { failure: UNTELLABLE_CALL }
      calls.push(call)
    }
    if (!isRecord(block.reasoningContent)) continue
    const { reasoningText, redactedContent } = block.reasoningContent
    const thought = isRecord(reasoningText) && typeof reasoningText.text === 'string' ? reasoningText.text : ''
    const signature = isRecord(reasoningText) ? reasoningText.signature : undefined
    const at = { content: text.length, tool_calls: calls.length }
    reasoning += thought
    if (typeof signature === 'string') placed.push({ text: thought, signature, at })
    if (typeof redactedContent === 'string') placed.push({ redactedContent, at })
  }
  return { text, reasoning, calls, placed }
}

export const UNTELLABLE_CALL: TranslatedError = {
  message: 'AWS Bedrock returned a tool call without id or name.',
  code: null,
}

/** Whether a block, or a piece of one, is what a chat completion has no place for. */
export function isForeign(block: Readonly<Record<string, unknown>>): boolean {
  return ['image', 'audio', 'video', 'document'].some((kind) => block[kind] !== undefined)
}

/** Whether a tool is of AWS's own, which the model calls without the application. */
export function isServed({ type }: Readonly<Record<string, unknown>>): boolean {
  return type === 'server_tool_use'
}

/** Text that cites comes in pieces. */
function textOf({ text, citationsContent: cited }: Readonly<Record<string, unknown>>): string {
  if (typeof text === 'string') return text
  const pieces = isRecord(cited) && Array.isArray(cited.content) ? cited.content : []
  return pieces.map((piece: unknown) => (isRecord(piece) ? textOf(piece) : '')).join('')
}

/**
 * @param stopReason Bedrock's; one that is not known is said as it is, in lower case
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `stopReason`
 */
export function finishOf(stopReason: unknown, hasToolCalls: boolean): Finish {
  const known = typeof stopReason === 'string' ? stopReason : ''
  const message = FAILURES.get(known)
  if (message !== undefined) return { failure: { message, code: known } }
  if (known === '' || known === 'end_turn') return { reason: hasToolCalls ? 'tool_calls' : 'stop' }
  return { reason: REASONS.get(known) ?? known.toLowerCase() }
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['tool_use', 'tool_calls'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
])

const FAILURES: ReadonlyMap<string, string> = new Map([
  ['malformed_tool_use', 'The model called a tool in a way that cannot be read.'],
  ['malformed_model_output', 'The model answered in a way that cannot be read.'],
])
