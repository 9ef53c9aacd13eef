import { openAiErrorType, type TranslatedError } from '@sluice/providers'
import { removeField } from '../domain/header-fields.ts'
import type { WholeResponse } from './held-answer.ts'

/**
 * A provider's error in OpenAI's format, of which OpenAI's SDKs make their typed errors.
 * @param retryAfterMs how long the provider asks to wait, if it does: not every provider says so in a header
 */
export function translatedError(
  { status, statusMessage, fields: given }: WholeResponse,
  { message, code }: TranslatedError,
  retryAfterMs: number | undefined,
): WholeResponse {
  const body = Buffer.from(JSON.stringify({ error: { message, type: openAiErrorType(status), param: null, code } }))
  const fields = [...given]
  for (const name of ['content-type', 'content-length', 'content-encoding']) removeField(fields, name)
  fields.push('content-type', 'application/json; charset=utf-8', 'content-length', String(body.length))
  if (retryAfterMs !== undefined) {
    for (const name of ['retry-after', 'retry-after-ms']) removeField(fields, name)
    fields.push(
      'retry-after',
      String(Math.ceil(retryAfterMs / 1_000)),
      'retry-after-ms',
      String(Math.ceil(retryAfterMs)),
    )
  }
  return { status, statusMessage, fields, body }
}
