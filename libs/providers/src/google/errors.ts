import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'

/**
 * An error as Google sends it. A 429's details say when to try again, and which limit it is about.
 * @see https://cloud.google.com/apis/design/errors#error_model
 */
export function googleErrorResponse(error: ErrorToFormat): ErrorResponse {
  const { status: code, message } = error
  const status = STATUSES[code] ?? (code >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT')
  return {
    headers: JSON_HEADERS,
    body: JSON.stringify({ error: { code, message, status, details: code === 429 ? retryDetails(error) : [] } }),
  }
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }

const STATUSES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto */
function retryDetails({ limit, retryAfterMs }: ErrorToFormat): object[] {
  const details: object[] = []
  if (limit !== undefined) {
    const quotaId = `${capitalized(limit.metric)}Per${capitalized(limit.period)}PerConnection`
    const violation = { quotaMetric: limit.metric, quotaId, quotaValue: String(limit.limit) }
    details.push({ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [violation] })
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = `${Math.ceil(retryAfterMs) / 1_000}s`
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })
  }
  return details
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/**
 * The details of one type in the error that `body` is; none where it is no error, or has no such detail.
 * @param type as `QuotaFailure`
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
export function googleErrorDetails(body: Buffer, type: string): Readonly<Record<string, unknown>>[] {
  const parsed = parseJson(body)
  // The error of a stream that is a JSON array comes in one too.
  const answer: unknown = Array.isArray(parsed) ? parsed[0] : parsed
  const details = isRecord(answer) && isRecord(answer.error) ? answer.error.details : undefined
  if (!Array.isArray(details)) return []
  return details.filter(isRecord).filter((detail) => detail['@type'] === `type.googleapis.com/google.rpc.${type}`)
}

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
