import type { TranslatedError } from '../unified-api.ts'

/** A server-sent event with `data` as JSON. */
export function jsonEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** The last event of a stream that came to its end. */
export const DONE_EVENT = 'data: [DONE]\n\n'

/** An error inside a stream, of which OpenAI's SDKs make an `APIError`. */
export function errorEvent({ message, code }: TranslatedError): string {
  return jsonEvent({ error: { message, type: 'server_error', param: null, code } })
}
