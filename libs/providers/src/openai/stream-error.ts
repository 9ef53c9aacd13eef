import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { openAiErrorStatus } from './errors.ts'

/**
 * The status that goes with the error which an event's data hold; undefined where they hold none. A chat ends with an `error` in
 * place of choices; a response with an event of type `error`, or `response.failed`.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 */
export function streamErrorStatus(data: Buffer): number | undefined {
  if (!data.includes('"error"')) return undefined
  const event = parseJson(data)
  if (!isRecord(event)) return undefined
  const failed = isRecord(event.response) ? event.response.error : undefined
  const error = event.type === 'error' && !isRecord(event.error) ? event : (event.error ?? failed)
  return isRecord(error) ? openAiErrorStatus(error) : undefined
}
