import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'

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
