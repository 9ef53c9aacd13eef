import { ChatChunks } from '../../unified/chat-chunks.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { AnswerTranslation, AskedAnswer } from '../../unified-api.ts'
import { eventDataSplitter } from '../../wire/event-data-splitter.ts'
import { EVERY, type JsonPath } from '../../wire/json-source.ts'
import { toChatCompletion } from './chat-completion.ts'
import { MessageDialect } from './message-dialect.ts'
import { readErrorAnswer } from './provider-error.ts'

const TOOL_INPUTS: JsonPath = ['content', EVERY, 'input']

/** How a message is said as the chat completion that was asked for, streamed or whole. */
export function messageAnswer(asked: AskedAnswer): AnswerTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(eventDataSplitter, new MessageDialect(new ChatChunks(asked), asked.jsonTool))
        : new WholeAnswerTranslator((message) => toChatCompletion(asked, message), TOOL_INPUTS),
    error: readErrorAnswer,
  }
}
