import type { TranslatedError } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { parseJson } from '../../wire/parse-json.ts'

/** An error answer: `{"type": "error", "error": {"type", "message"}}`, or whatever came in its place. */
export function readErrorResponse(status: number, body: Buffer): TranslatedError {
  const answer = parseJson(body)
  return readError(isRecord(answer) ? (answer.error ?? answer) : undefined, `Anthropic answered with status ${status}.`)
}

/** The `error` of an answer or of an event. @param fallback the message where it has none */
export function readError(error: unknown, fallback: string): TranslatedError {
  const { type, message } = isRecord(error) ? error : { type: undefined, message: error }
  return {
    message: typeof message === 'string' && message !== '' ? message : fallback,
    // An event that is the error itself is called so.
    code: typeof type === 'string' && type !== 'error' ? type : null,
  }
}

export const UNTELLABLE_CALL: TranslatedError = {
  message: 'Anthropic returned a tool call without id or name.',
  code: null,
}
