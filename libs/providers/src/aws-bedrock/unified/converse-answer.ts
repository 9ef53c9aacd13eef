import { ChatChunks } from '../../unified/chat-chunks.ts'
import { StreamTranslator } from '../../unified/stream-translator.ts'
import { WholeResponseTranslator } from '../../unified/whole-answer-translator.ts'
import type { AskedResponse, ResponseTranslation } from '../../unified-api.ts'
import { AwsEventFrames } from '../../wire/aws-event-frames.ts'
import { EVERY, type JsonPath } from '../../wire/json-source.ts'
import { toChatCompletion } from './chat-completion.ts'
import { ConverseDialect } from './converse-dialect.ts'
import { readErrorResponse } from './provider-error.ts'

const TOOL_INPUTS: JsonPath = ['output', 'message', 'content', EVERY, 'toolUse', 'input']

/** How an answer of Converse is said as the chat completion that was asked for, streamed or whole. */
export function converseResponse(asked: AskedResponse): ResponseTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(
            (visit) => new AwsEventFrames(visit),
            new ConverseDialect(new ChatChunks(asked), asked.jsonTool),
          )
        : new WholeResponseTranslator((answer) => toChatCompletion(asked, answer), TOOL_INPUTS),
    error: readErrorResponse,
  }
}
