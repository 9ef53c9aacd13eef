import { dataEvent, eventStream } from '../../wire/server-sent-events.ts'
import type { Answer, StreamError } from '../simulated-provider.ts'
import { errorOfStatus } from './errors.ts'

/** Server-sent events, made one by one as they are sent. */
export function eventStreamResponse(events: Iterable<string>): Answer {
  return eventStream(events, errorEvent)
}

/** What ends a stream of completions. */
export const DONE = 'data: [DONE]\n\n'

/**
 * Padding that hides how long a token is from who watches the encrypted stream; its length varies in no visible order
 * (https://platform.openai.com/docs/api-reference/chat/create, `stream_options.include_obfuscation`).
 */
export function obfuscation(index: number): string {
  return PADDING.slice(0, 1 + ((index * 7) % PADDING.length))
}

const PADDING = 'q8ZtLw3xRv0KcJm5'

/** OpenAI's SDK raises its error for any event that holds one. */
function errorEvent({ status, message }: StreamError): string {
  return dataEvent({ error: errorOfStatus(status, message) })
}
