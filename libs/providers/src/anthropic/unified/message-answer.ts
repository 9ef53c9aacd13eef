import { ChatChunks } from '../../unified/chat-chunks.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { AnswerTranslation, AskedAnswer } from '../../unified-api.ts'
import { eventDataSplitter } from '../../wire/event-data-splitter.ts'
import { toChatCompletion } from './chat-completion.ts'
import { MessageDialect } from './message-dialect.ts'
import { readErrorAnswer } from './provider-error.ts'

/** How a message is said as the chat completion that was asked for, streamed or whole. */
export function messageAnswer(asked: AskedAnswer): AnswerTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(eventDataSplitter, new MessageDialect(new ChatChunks(asked), asked.jsonTool))
        : new WholeAnswerTranslator((message) => toChatCompletion(asked, message)),
    error: readErrorAnswer,
  }
}
