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
import {
  incompleteCall,
  isFailure,
  type TranslatedFailure,
  WholeResponseTranslator,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { EVERY, type JsonPath } from '../wire/json-source.ts'
import { readError } from './errors.ts'
import { type PlacedThinking, placeThinking, thinkingContent } from './reasoning.ts'
import { toToolCall } from './tools.ts'

const TOOL_INPUTS: JsonPath = ['content', EVERY, 'input']

/** Translates a message that is one document. */
export function wholeMessage(requested: RequestedResponse): ResponseTranslator {
  return new WholeResponseTranslator((message) => toChatCompletion(requested, message), TOOL_INPUTS)
}

/**
 * Translates a whole message to a chat completion; a failure where it is an error or has an incomplete tool call.
 * Undefined for anything else.
 */
export function toChatCompletion(
  requested: RequestedResponse,
  response: unknown,
): CompletedChat | TranslatedFailure | undefined {
  if (!isRecord(response)) return undefined
  if (claudeErrorStatusIn(response) !== undefined) {
    return { failure: readError(response.error ?? response, 'Anthropic returned an error.') }
  }
  if (!Array.isArray(response.content)) return undefined
  const read = readContent(response.content)
  if (isFailure(read)) return read
  const content = inJson(read, requested.jsonTool, response.stop_reason)
  const { calls, thinking } = content
  const choice = {
    index: 0,
    message: responseMessage({ ...content, refusal: refusalText(response) }, thinkingContent(thinking)),
    finish_reason: endsWithJson(requested.jsonTool, response.stop_reason, calls.length > 0)
      ? ('stop' as const)
      : finishReason(response.stop_reason, calls.length > 0),
    logprobs: null,
  }
  return chatCompletion(requested, [choice], totalUsage(readClaudeUsage(response.usage)))
}

interface Content extends ResponseContent {
  readonly thinking: readonly PlacedThinking[]
}

/** Omits blocks of unknown kinds: they belong to tools that only the native API offers. */
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
      if (call === undefined) return { failure: incompleteCall('Anthropic') }
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
 * Returns OpenAI's finish reason for a response.
 * @param stopReason Anthropic's; an unknown one is returned in lower case
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
  // The response is incomplete, and continues when it is sent back.
  ['pause_turn', 'length'],
  ['refusal', 'content_filter'],
])

/**
 * Returns Anthropic's explanation of a refusal; null where it did not refuse or gives none.
 * @param ending a message, or the `delta` that ends a streamed one
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons#refusal
 */
export function refusalText(ending: Readonly<Record<string, unknown>>): string | null {
  const { stop_reason: reason, stop_details: details } = ending
  if (reason !== 'refusal' || !isRecord(details)) return null
  return typeof details.explanation === 'string' ? details.explanation : null
}
