import { dataEvent, eventStream, type StreamError, type StreamResponse } from '../core/responses.ts'
import { errorOfStatus } from './errors.ts'

/** Responds with server-sent events that are generated as they are sent. */
export function eventStreamResponse(events: Iterable<string>): StreamResponse {
  return eventStream(events, errorEvent)
}

/** Ends a stream of completions. */
export const DONE = 'data: [DONE]\n\n'

/**
 * Returns padding that hides the length of a token from observers of the encrypted stream.
 * @see https://platform.openai.com/docs/api-reference/chat/create, `stream_options.include_obfuscation`
 */
export function obfuscation(index: number): string {
  return PADDING.slice(0, 1 + ((index * 7) % PADDING.length))
}

const PADDING = 'q8ZtLw3xRv0KcJm5'

/** The OpenAI SDK raises an error for any event that contains one. */
function errorEvent({ status, message }: StreamError): string {
  return dataEvent({ error: errorOfStatus(status, message) })
}
