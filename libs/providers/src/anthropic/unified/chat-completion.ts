import type {
  ChatCompletion,
  ChatCompletionMessage,
  ChatCompletionMessageFunctionToolCall,
} from 'openai/resources/chat/completions'
import { chatId, inSeconds } from '../../unified/chat-chunks.ts'
import { chatUsage } from '../../unified/chat-usage.ts'
import type { UnifiedRequest } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { readAnthropicUsage, totalUsage } from '../usage.ts'
import { finishReason } from './finish-reason.ts'
import { refusalText } from './refusal-text.ts'
import { type PlacedThinking, placeThinking, thinkingContent } from './thinking-content.ts'
import { toToolCall } from './tool-use.ts'

/** A whole message as a chat completion; undefined where it is no message, or has a tool call that cannot be told. */
export function toChatCompletion(request: UnifiedRequest, answer: unknown): ChatCompletion | undefined {
  if (!isRecord(answer) || !Array.isArray(answer.content)) return undefined
  const content = readContent(answer.content)
  if (content === undefined) return undefined
  const usage = totalUsage(readAnthropicUsage(answer.usage))
  return {
    id: chatId(request.answerId),
    object: 'chat.completion',
    created: inSeconds(request.receivedAtMs),
    model: request.model,
    choices: [
      {
        index: 0,
        message: toMessage(content, refusalText(answer)),
        finish_reason: finishReason(answer.stop_reason, content.calls.length > 0),
        logprobs: null,
      },
    ],
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  }
}

interface Content {
  readonly text: string
  readonly reasoning: string
  readonly calls: ChatCompletionMessageFunctionToolCall[]
  readonly thinking: readonly PlacedThinking[]
}

/** Blocks of kinds that are not known are left out: they are of tools that only the native API offers. */
function readContent(blocks: readonly unknown[]): Content | undefined {
  let text = ''
  let reasoning = ''
  const calls: ChatCompletionMessageFunctionToolCall[] = []
  const thinking: PlacedThinking[] = []
  for (const block of blocks) {
    if (!isRecord(block)) continue
    if (block.type === 'text' && typeof block.text === 'string') text += block.text
    if (block.type === 'tool_use') {
      const call = toToolCall(block)
      if (call === undefined) return undefined
      calls.push(call)
    }
    const thought = placeThinking(block, { content: text.length, tool_calls: calls.length })
    if (thought === undefined) continue
    thinking.push(thought)
    if (thought.type === 'thinking') reasoning += thought.thinking
  }
  return { text, reasoning, calls, thinking }
}

function toMessage({ text, reasoning, calls, thinking }: Content, refusal: string | null): ChatCompletionMessage {
  const message = {
    role: 'assistant' as const,
    content: text === '' && (calls.length > 0 || refusal !== null) ? null : text,
    refusal,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...thinkingContent(thinking),
  }
  return message
}
