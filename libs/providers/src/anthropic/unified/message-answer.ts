import { ChatChunks } from '../../unified/chat-chunks.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { AnswerTranslation, UnifiedRequest } from '../../unified-api.ts'
import { eventDataSplitter } from '../../wire/event-data-splitter.ts'
import { toChatCompletion } from './chat-completion.ts'
import { MessageDialect } from './message-dialect.ts'
import { readErrorAnswer } from './provider-error.ts'

/** How a message is said as the chat completion that was asked for, streamed or whole. */
export function messageAnswer(request: UnifiedRequest, chat: ChatRequest): AnswerTranslation {
  const tellsUsage = chat.stream_options?.include_usage === true
  return {
    translator: () =>
      chat.stream === true
        ? new StreamTranslator(eventDataSplitter, new MessageDialect(new ChatChunks(request, tellsUsage)))
        : new WholeAnswerTranslator((message) => toChatCompletion(request, message)),
    error: readErrorAnswer,
  }
}
