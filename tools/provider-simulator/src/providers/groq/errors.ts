import type { OutgoingHttpHeaders } from 'node:http'
import type { BodyResponse, Reply } from '../simulated-provider.ts'

export interface GroqError {
  readonly message: string
  readonly type: string
  readonly code?: string
  readonly param?: string
}

/** An error in Groq's format: https://console.groq.com/docs/errors. */
export function errorResponse(status: number, error: GroqError, headers: OutgoingHttpHeaders = {}): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: `${JSON.stringify({ error })}\n`,
  }
}

/** The request is at fault, and costs nothing. */
export function invalidRequest(message: string, status = 400, fields: Pick<GroqError, 'code' | 'param'> = {}): Reply {
  const answer = errorResponse(status, { message, type: 'invalid_request_error', ...fields })
  return { answer: () => answer }
}

/** What the API says with such a status where nothing more is known. */
export function errorOfStatus(status: number, message: string | undefined): GroqError {
  if (status === 429) return { message: message ?? 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' }
  if (status < 500) return { message: message ?? 'The request was refused.', type: 'invalid_request_error' }
  if (status === 503) return { message: message ?? 'Service Unavailable', type: 'service_unavailable' }
  return { message: message ?? 'Internal Server Error', type: 'internal_server_error' }
}
