import { claudeErrorStatusIn } from '../../claude/error-types.ts'
import { readClaudeUsage, totalUsage } from '../../claude/usage.ts'
import { type ResponseContent, type ResponseToolCall, responseMessage } from '../../unified/answer-message.ts'
import { type CompletedChat, chatCompletion } from '../../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../../unified/json-tool.ts'
import { isFailure, type TranslatedFailure } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { finishReason } from './finish-reason.ts'
import { readError, UNTELLABLE_CALL } from './provider-error.ts'
import { refusalText } from './refusal-text.ts'
import { type PlacedThinking, placeThinking, thinkingContent } from './thinking-content.ts'
import { toToolCall } from './tool-use.ts'

/** A whole message as a chat completion; a failure where it is an error, or has a tool call that cannot be told. Undefined where it is no message. */
export function toChatCompletion(asked: AskedResponse, answer: unknown): CompletedChat | TranslatedFailure | undefined {
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
