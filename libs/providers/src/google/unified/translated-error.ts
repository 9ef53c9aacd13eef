import type { TranslatedError } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { parseJson } from '../../wire/parse-json.ts'

/** An error answer in the provider's words, or, where it has none, by its status. */
export function translatedError(status: number, body: Buffer): TranslatedError {
  return readError(parseJson(body)) ?? { message: `Google answered with status ${status}.`, code: null }
}

/** The error that an answer, or a message of a stream, is; alone or in an array, as answers to streams have it. */
export function readError(parsed: unknown): TranslatedError | undefined {
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  if (!isRecord(answer)) return undefined
  if (typeof answer.error === 'string' && answer.error !== '') return { message: answer.error, code: null }
  if (!isRecord(answer.error)) return undefined
  const { message, status } = answer.error
  return {
    message: typeof message === 'string' && message !== '' ? message : 'Google answered with an error.',
    code: typeof status === 'string' ? status : null,
  }
}
