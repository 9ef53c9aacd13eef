import { claudeErrorStatusIn } from '../claude/errors.ts'
import { readClaudeUsage, totalUsage } from '../claude/usage.ts'
import {
  type CompletedChat,
  chatCompletion,
  type FinishReason,
  type ResponseContent,
  type ResponseToolCall,
  responseMessage,
} from '../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../unified/json-tool.ts'
import { isFailure, type TranslatedFailure } from '../unified/response-translators.ts'
import type { RequestedResponse } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { readError, UNTELLABLE_CALL } from './errors.ts'
import { type PlacedThinking, placeThinking, thinkingContent } from './reasoning.ts'
import { toToolCall } from './tools.ts'

/** A whole message as a chat completion; a failure where it is an error, or has a tool call that cannot be told. Undefined where it is no message. */
export function toChatCompletion(
  asked: RequestedResponse,
  answer: unknown,
): CompletedChat | TranslatedFailure | undefined {
  if (!isRecord(answer)) return undefined
  if (claudeErrorStatusIn(answer) !== undefined) {
    return { failure: readError(answer.error ?? answer, 'Anthropic answered with an error.') }
  }
  if (!Array.isArray(answer.content)) return undefined
  const read = readContent(answer.content)
  if (isFailure(read)) return read
  const content = inJson(read, asked.jsonTool, answer.stop_reason)
  const { calls, thinking } = content
  const choice = {
    index: 0,
    message: responseMessage({ ...content, refusal: refusalText(answer) }, thinkingContent(thinking)),
    finish_reason: endsWithJson(asked.jsonTool, answer.stop_reason, calls.length > 0)
      ? ('stop' as const)
      : finishReason(answer.stop_reason, calls.length > 0),
    logprobs: null,
  }
  return chatCompletion(asked, [choice], totalUsage(readClaudeUsage(answer.usage)))
}

interface Content extends ResponseContent {
  readonly thinking: readonly PlacedThinking[]
}

/** Blocks of kinds that are not known are left out: they are of tools that only the native API offers. */
function readContent(blocks: readonly unknown[]): Content | TranslatedFailure {
  let text = ''
  let reasoning = ''
  const calls: ResponseToolCall[] = []
  const thinking: PlacedThinking[] = []
  for (const block of blocks) {
    if (!isRecord(block)) continue
    if (block.type === 'text' && typeof block.text === 'string') text += block.text
    if (block.type === 'tool_use') {
      const call = toToolCall(block)
      if (call === undefined) return { failure: UNTELLABLE_CALL }
      calls.push(call)
    }
    const thought = placeThinking(block, { content: text.length, tool_calls: calls.length })
    if (thought === undefined) continue
    thinking.push(thought)
    if (thought.type === 'thinking') reasoning += thought.thinking
  }
  return { text, reasoning, calls, thinking }
}

/**
 * Why an answer ended, in OpenAI's words.
 * @param stopReason Anthropic's; one that is not known is said as it is, in lower case
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
 */
export function finishReason(stopReason: unknown, hasToolCalls: boolean): FinishReason {
  if (typeof stopReason !== 'string' || stopReason === '') return hasToolCalls ? 'tool_calls' : 'stop'
  return REASONS.get(stopReason) ?? stopReason.toLowerCase()
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool_calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  // The answer is not whole, and goes on where it is sent back.
  ['pause_turn', 'length'],
  ['refusal', 'content_filter'],
])

/**
 * Why Anthropic refused, in its words; null where it did not, or does not say.
 * @param ending a message, or the `delta` that ends a streamed one
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons#refusal
 */
export function refusalText(ending: Readonly<Record<string, unknown>>): string | null {
  const { stop_reason: reason, stop_details: details } = ending
  if (reason !== 'refusal' || !isRecord(details)) return null
  return typeof details.explanation === 'string' ? details.explanation : null
}
