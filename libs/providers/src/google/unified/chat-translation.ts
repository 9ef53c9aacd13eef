import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeAnswerTranslator } from '../../unified/whole-answer-translator.ts'
import type { AnswerTranslation, AskedAnswer } from '../../unified-api.ts'
import { JsonArraySplitter } from '../../wire/json-array-splitter.ts'
import { eventOrErrorSplitter } from '../event-or-error-splitter.ts'
import { CALL_ARGUMENTS } from './answer-chunk.ts'
import { chatAnswer } from './chat-answer.ts'
import { ChatStream } from './chat-stream.ts'
import { translatedError } from './translated-error.ts'

/** How the answer to a chat completion is read, whichever way it comes. */
export function chatTranslation(asked: AskedAnswer): AnswerTranslation {
  return {
    translator(contentType) {
      if (!asked.streamed) return new WholeAnswerTranslator((answer) => chatAnswer(answer, asked), CALL_ARGUMENTS)
      const dialect = new ChatStream(asked)
      return contentType.startsWith('application/json')
        ? new StreamTranslator((visit) => new JsonArraySplitter(visit), dialect)
        : new StreamTranslator(eventOrErrorSplitter, dialect)
    },
    error: translatedError,
  }
}
