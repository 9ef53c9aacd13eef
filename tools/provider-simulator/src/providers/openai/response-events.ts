import { isRecord } from '../../core/is-record.ts'
import { pieces } from '../../core/pieces.ts'
import { namedEvent } from '../../wire/server-sent-events.ts'
import { obfuscation } from './event-stream.ts'
import {
  finishedResponse,
  finishedStatus,
  type ModelResponse,
  outputItem,
  startedResponse,
  textPart,
} from './response-object.ts'

/**
 * https://platform.openai.com/docs/api-reference/responses-streaming: named events, numbered from 0, one delta a token.
 * The last one holds the finished response with its usage; there is no `[DONE]`.
 */
export function* responseEvents(response: ModelResponse): Generator<string> {
  let sequence = 0
  for (const { type, ...fields } of events(response)) {
    yield namedEvent(type, { type, sequence_number: sequence, ...fields })
    sequence += 1
  }
}

interface ResponseEvent {
  readonly type: string
  readonly [field: string]: unknown
}

function* events(response: ModelResponse): Generator<ResponseEvent> {
  const status = finishedStatus(response)
  const started = startedResponse(response)
  yield { type: 'response.created', response: started }
  yield { type: 'response.in_progress', response: started }
  yield { type: 'response.output_item.added', output_index: 0, item: outputItem(response, 'in_progress') }
  yield* response.toolCall === undefined ? textEvents(response) : callEvents(response, response.toolCall.arguments)
  yield { type: 'response.output_item.done', output_index: 0, item: outputItem(response, status) }
  yield { type: `response.${status}`, response: finishedResponse(response) }
}

function* textEvents({ itemId, text, request }: ModelResponse): Generator<ResponseEvent> {
  const place = { item_id: itemId, output_index: 0, content_index: 0 }
  const options = isRecord(request.stream_options) ? request.stream_options : {}
  const obfuscate = options.include_obfuscation !== false
  yield { type: 'response.content_part.added', ...place, part: textPart('') }
  let index = 0
  for (const delta of text.pieces()) {
    const padding = obfuscate ? { obfuscation: obfuscation(index) } : {}
    yield { type: 'response.output_text.delta', ...place, delta, logprobs: [], ...padding }
    index += 1
  }
  yield { type: 'response.output_text.done', ...place, text: text.whole(), logprobs: [] }
  yield { type: 'response.content_part.done', ...place, part: textPart(text.whole()) }
}

function* callEvents({ itemId }: ModelResponse, args: string): Generator<ResponseEvent> {
  const place = { item_id: itemId, output_index: 0 }
  for (const delta of pieces(args)) {
    yield { type: 'response.function_call_arguments.delta', ...place, delta }
  }
  yield { type: 'response.function_call_arguments.done', ...place, arguments: args }
}
