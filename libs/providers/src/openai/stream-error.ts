import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { openAiErrorStatus } from './errors.ts'

/**
 * Returns the status that goes with the error which an event's data, or a document that came with 200, hold; undefined where they hold
 * none. A chat of OpenAI's ends with an `error` in place of choices, one of OpenRouter's beside them, or in one; a response with an
 * event of type `error`, or `response.failed`; other servers send an object that is an `error` as a whole.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 * @see https://openrouter.ai/docs/api-reference/errors#error-response-shape
 */
export function streamErrorStatus(data: Buffer): number | undefined {
  return data.includes('"error"') ? errorStatusIn(parseJson(data)) : undefined
}

/** The same of data that are parsed. */
export function errorStatusIn(event: unknown): number | undefined {
  if (!isRecord(event)) return undefined
  const error = isPresent(event.error) ? event.error : innerError(event)
  if (error !== undefined) return openAiErrorStatus(error)
  return event.type === 'error' || event.object === 'error' ? openAiErrorStatus(event) : undefined
}

function innerError({ response, choices }: Readonly<Record<string, unknown>>): unknown {
  if (isRecord(response) && isPresent(response.error)) return response.error
  const list: readonly unknown[] = Array.isArray(choices) ? choices : []
  for (const choice of list) {
    if (isRecord(choice) && isPresent(choice.error)) return choice.error
  }
  return undefined
}

/** An object that says something, or text. */
function isPresent(error: unknown): boolean {
  return isRecord(error) ? Object.keys(error).length > 0 : typeof error === 'string' && error !== ''
}
