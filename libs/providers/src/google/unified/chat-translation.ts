import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeResponseTranslator } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse, ResponseTranslation } from '../../unified-api.ts'
import { FirstBytesSplitter } from '../../wire/first-bytes-splitter.ts'
import { JsonArraySplitter } from '../../wire/json-array-splitter.ts'
import type { MessageSplitter } from '../../wire/watching-reader.ts'
import { eventOrErrorSplitter } from '../event-or-error-splitter.ts'
import { CALL_ARGUMENTS } from './answer-chunk.ts'
import { chatResponse } from './chat-answer.ts'
import { ChatStream } from './chat-stream.ts'
import { translatedError } from './translated-error.ts'

/** How the answer to a chat completion is read, whichever way it comes. */
export function chatTranslation(asked: AskedResponse): ResponseTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(eventOrArraySplitter, new ChatStream(asked))
        : new WholeResponseTranslator((answer) => chatResponse(answer, asked), CALL_ARGUMENTS),
    error: translatedError,
  }
}

/** As the first bytes show: events, or an array of objects. */
function eventOrArraySplitter(visit: (message: Buffer) => void): MessageSplitter {
  return new FirstBytesSplitter((form) =>
    form === 'json' ? new JsonArraySplitter(visit) : eventOrErrorSplitter(visit),
  )
}
