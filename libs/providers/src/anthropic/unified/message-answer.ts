import { ChatChunks } from '../../unified/chat-chunks.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeResponseTranslator } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse, ResponseTranslation } from '../../unified-api.ts'
import { eventDataSplitter } from '../../wire/event-data-splitter.ts'
import { FirstBytesSplitter } from '../../wire/first-bytes-splitter.ts'
import { JsonArraySplitter } from '../../wire/json-array-splitter.ts'
import { EVERY, type JsonPath } from '../../wire/json-source.ts'
import type { MessageSplitter } from '../../wire/watching-reader.ts'
import { toChatCompletion } from './chat-completion.ts'
import { MessageDialect } from './message-dialect.ts'
import { readErrorResponse } from './provider-error.ts'

const TOOL_INPUTS: JsonPath = ['content', EVERY, 'input']

/** How a message is said as the chat completion that was asked for, streamed or whole. */
export function messageResponse(asked: AskedResponse): ResponseTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(eventOrDocumentSplitter, new MessageDialect(new ChatChunks(asked), asked.jsonTool))
        : new WholeResponseTranslator((message) => toChatCompletion(asked, message), TOOL_INPUTS),
    error: readErrorResponse,
  }
}

/** As the first bytes show: events, or the one document with which a server responds that fails before it streams. */
function eventOrDocumentSplitter(visit: (message: Buffer, isError?: boolean) => void): MessageSplitter {
  return new FirstBytesSplitter((form) => (form === 'json' ? new JsonArraySplitter(visit) : eventDataSplitter(visit)))
}
