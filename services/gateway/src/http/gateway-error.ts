import type { ErrorCode, Metric, Period } from '@sluice/contracts'

/** An error with which the gateway itself responds: an expected outcome, worded for the application. */
export interface GatewayError {
  readonly code: ErrorCode
  readonly status: number
  readonly message: string
  /** When the same request may succeed. */
  readonly retryAfterMs?: number
  /** The connection's limit that was exceeded. */
  readonly limit?: { readonly period: Period; readonly metric: Metric; readonly limit: number }
  /** For 405: the value of the header `allow`. */
  readonly allow?: string
  /** The request's parameter that is at fault. */
  readonly param?: string
  /** The provider has responded, and charges for it: SDKs must not send the request again. */
  readonly isFinal?: true
}

export function gatewayError(
  code: ErrorCode,
  message: string,
  details: Pick<GatewayError, 'retryAfterMs' | 'limit' | 'param' | 'isFinal'> = {},
): GatewayError {
  const status = STATUS[code] ?? 500
  return { code, status, message, ...(status === 503 ? { retryAfterMs: UNAVAILABLE_RETRY_MS } : {}), ...details }
}

const UNAVAILABLE_RETRY_MS = 1_000

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_api_key: 401,
  connection_forbidden: 403,
  connection_not_found: 404,
  connection_disabled: 403,
  model_not_allowed: 403,
  administration_not_allowed: 403,
  invalid_request: 400,
  payload_too_large: 413,
  unsupported_operation: 404,
  rate_limited: 429,
  capacity_exceeded: 429,
  upstream_cool_down: 429,
  request_exceeds_capacity: 400,
  capacity_unavailable: 503,
  credential_unavailable: 503,
  unavailable: 503,
  upstream_credential_rejected: 502,
  upstream_unreachable: 502,
  upstream_timeout: 504,
}

/** The gateway itself failed; the log has the exception. */
export const INTERNAL_ERROR = gatewayError('internal', 'Internal error.')
