import { totalUsage } from '../../claude/usage.ts'
import { responseMessage } from '../../unified/answer-message.ts'
import { type CompletedChat, chatCompletion } from '../../unified/chat-completion.ts'
import { endsWithJson, inJson } from '../../unified/json-tool.ts'
import { isFailure, type TranslatedFailure } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { readConverseUsage } from '../usage.ts'
import { readResponseContent } from './answer-content.ts'
import { finishOf } from './finish.ts'
import { extraContent } from './reasoning-content.ts'

/** A whole answer of Converse; a failure where the model failed, or says what cannot be told. Undefined where it is no answer. */
export function toChatCompletion(asked: AskedResponse, answer: unknown): CompletedChat | TranslatedFailure | undefined {
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
