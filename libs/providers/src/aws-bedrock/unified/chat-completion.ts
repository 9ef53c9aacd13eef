import type { ChatCompletion } from 'openai/resources/chat/completions'
import { totalUsage } from '../../claude/usage.ts'
import { answerMessage } from '../../unified/answer-message.ts'
import { chatCompletion } from '../../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../../unified/json-tool.ts'
import type { AskedAnswer } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { readConverseUsage } from '../usage.ts'
import { readAnswerContent } from './answer-content.ts'
import { finishOf } from './finish.ts'
import { extraContent } from './reasoning-content.ts'

/** A whole answer of Converse; undefined where it is none, where the model failed, or where it says what cannot be told. */
export function toChatCompletion(asked: AskedAnswer, answer: unknown): ChatCompletion | undefined {
  if (!isRecord(answer) || !isRecord(answer.output) || !isRecord(answer.output.message)) return undefined
  const { content: blocks } = answer.output.message
  const read = Array.isArray(blocks) ? readAnswerContent(blocks) : undefined
  if (read === undefined) return undefined
  const content = inJson(read, asked.jsonTool)
  const finish = finishOf(answer.stopReason, content.calls.length > 0)
  if ('failure' in finish) return undefined
  const choice = {
    index: 0,
    message: answerMessage(content, extraContent(content.placed)),
    finish_reason: endsWithJson(asked.jsonTool, answer.stopReason, content.calls.length > 0)
      ? ('stop' as const)
      : finish.reason,
    logprobs: null,
  }
  return chatCompletion(asked, [choice], totalUsage(readConverseUsage(answer.usage)))
}
