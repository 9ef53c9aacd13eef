import { ChatChunks } from '../../unified/chat-chunks.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { AnswerTranslation, UnifiedRequest } from '../../unified-api.ts'
import { AwsEventFrames } from '../../wire/aws-event-frames.ts'
import { toChatCompletion } from './chat-completion.ts'
import { ConverseDialect } from './converse-dialect.ts'
import { readErrorAnswer } from './provider-error.ts'

/** How an answer of Converse is said as the chat completion that was asked for, streamed or whole. */
export function converseAnswer(request: UnifiedRequest, chat: ChatRequest): AnswerTranslation {
  const tellsUsage = chat.stream_options?.include_usage === true
  return {
    translator: () =>
      chat.stream === true
        ? new StreamTranslator(
            (visit) => new AwsEventFrames(visit),
            new ConverseDialect(new ChatChunks(request, tellsUsage)),
          )
        : new WholeAnswerTranslator((answer) => toChatCompletion(request, answer)),
    error: readErrorAnswer,
  }
}
