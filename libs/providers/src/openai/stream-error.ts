import { isRecord } from '../wire/is-record.ts'
import { mayHoldError } from '../wire/json-member.ts'
import type { Mentions } from '../wire/mentions.ts'
import { parseJson } from '../wire/parse-json.ts'
import { isPresentError, openAiErrorStatus } from './errors.ts'

/**
 * Returns the status that goes with the error which an event's data, or a document that came with 200, hold; undefined where they hold
 * none. A chat of OpenAI's ends with an `error` in place of choices, one of OpenRouter's beside them, or in one, or with the finish reason
 * `error`; one of Groq's with one in its `x_groq`; a response with an event of type `error`, or `response.failed`; other servers send an
 * object that is an `error` as a whole.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming/error
 * @see https://openrouter.ai/docs/api-reference/errors#error-response-shape
 * @see https://github.com/groq/groq-typescript/blob/main/src/resources/chat/completions.ts on `x_groq.error`
 */
export function streamErrorStatus(data: Buffer, mentions?: Mentions): number | undefined {
  return mayHoldError(data, mentions) ? errorStatusIn(parseJson(data)) : undefined
}

/** The same of data that are parsed. */
export function errorStatusIn(event: unknown): number | undefined {
  if (!isRecord(event)) return undefined
  if (isPresentError(event.error)) return openAiErrorStatus(event.error, event)
  const { type, object, response, x_groq: groq, choices } = event
  for (const holder of [response, groq]) {
    if (isRecord(holder) && isPresentError(holder.error)) return openAiErrorStatus(holder.error)
  }
  if (type === 'error' || object === 'error') return openAiErrorStatus(event)
  return Array.isArray(choices) ? choiceErrorStatus(choices) : undefined
}

/** Returns the status of the error that an event is by its name, whatever its data. */
export function namedErrorStatus(data: Buffer): number {
  const event = parseJson(data)
  return errorStatusIn(event) ?? openAiErrorStatus(event)
}

function choiceErrorStatus(choices: readonly unknown[]): number | undefined {
  let hasFailed = false
  for (const choice of choices) {
    if (!isRecord(choice)) continue
    if (isPresentError(choice.error)) return openAiErrorStatus(choice.error)
    if (choice.finish_reason === 'error') hasFailed = true
  }
  return hasFailed ? 500 : undefined
}
