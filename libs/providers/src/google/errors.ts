import { isPresentError, openAiErrorStatus } from '../openai/errors.ts'
import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'

/**
 * Returns an error in Google's format. The details of a 429 contain when to retry and which limit was exceeded.
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
 * Returns the details of one type in an error response; none where it is not an error or has no such detail.
 * @param type such as `QuotaFailure`
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
export function googleErrorDetails(body: Buffer, type: string): Readonly<Record<string, unknown>>[] {
  const response = unwrapped(parseJson(body))
  const details = isRecord(response) && isRecord(response.error) ? response.error.details : undefined
  if (!Array.isArray(details)) return []
  return details.filter(isRecord).filter((detail) => detail['@type'] === `type.googleapis.com/google.rpc.${type}`)
}

/** Reads an error response, with the provider's message or, where it has none, the status. */
export function readErrorResponse(status: number, body: Buffer): TranslatedError {
  return readError(parseJson(body)) ?? { message: `Google returned status ${status}.`, code: null }
}

/** Reads the error in a response or a stream's message, which may be in an array. Undefined where there is none. */
export function readError(parsed: unknown): TranslatedError | undefined {
  const response = unwrapped(parsed)
  if (!isRecord(response)) return undefined
  if (typeof response.error === 'string' && response.error !== '') return { message: response.error, code: null }
  if (!isRecord(response.error)) return undefined
  const { message, status } = response.error
  return {
    message: typeof message === 'string' && message !== '' ? message : 'Google returned an error.',
    code: typeof status === 'string' ? status : null,
  }
}

/**
 * Returns the status of the error in a stream's chunk or in a document that came with status 200; undefined where
 * there is none.
 */
export function googleErrorStatusIn(message: unknown): number | undefined {
  return isRecord(message) && isPresentError(message.error) ? openAiErrorStatus(message.error, message) : undefined
}

/** Returns a response without the array around it, which errors of streams in JSON array form have. */
export function unwrapped(parsed: unknown): unknown {
  return Array.isArray(parsed) ? parsed[0] : parsed
}
