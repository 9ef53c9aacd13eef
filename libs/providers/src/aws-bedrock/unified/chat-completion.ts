import type { ChatCompletion, ChatCompletionMessage } from 'openai/resources/chat/completions'
import { totalUsage } from '../../anthropic/usage.ts'
import { chatId, inSeconds } from '../../unified/chat-chunks.ts'
import { chatUsage } from '../../unified/chat-usage.ts'
import type { UnifiedRequest } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { readConverseUsage } from '../usage.ts'
import { type AnswerContent, readAnswerContent } from './answer-content.ts'
import { finishOf } from './finish.ts'
import { extraContent } from './reasoning-content.ts'

/** A whole answer of Converse; undefined where it is none, where the model failed, or where it says what cannot be told. */
export function toChatCompletion(request: UnifiedRequest, answer: unknown): ChatCompletion | undefined {
  if (!isRecord(answer) || !isRecord(answer.output) || !isRecord(answer.output.message)) return undefined
  const { content: blocks } = answer.output.message
  const content = Array.isArray(blocks) ? readAnswerContent(blocks) : undefined
  if (content === undefined) return undefined
  const finish = finishOf(answer.stopReason, content.calls.length > 0)
  if ('failure' in finish) return undefined
  const usage = totalUsage(readConverseUsage(answer.usage))
  return {
    id: chatId(request.answerId),
    object: 'chat.completion',
    created: inSeconds(request.receivedAtMs),
    model: request.model,
    choices: [{ index: 0, message: toMessage(content), finish_reason: finish.reason, logprobs: null }],
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  }
}

function toMessage({ text, reasoning, calls, placed }: AnswerContent): ChatCompletionMessage {
  const message = {
    role: 'assistant' as const,
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...extraContent(placed),
  }
  return message
}
