import type { OutgoingHttpHeaders } from 'node:http'
import type { Answer, Reply } from '../simulated-provider.ts'

export interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

/** An error as OpenAI's API writes it, indentation included. */
export function errorResponse(status: number, error: OpenAiError, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: `${JSON.stringify({ error }, null, 4)}\n`,
  }
}

/** The request is at fault, and costs nothing. */
export function invalidRequest(status: number, message: string, param?: string, code?: string): Reply {
  const answer = errorResponse(status, {
    message,
    type: 'invalid_request_error',
    param: param ?? null,
    code: code ?? null,
  })
  return { answer: () => answer }
}

/** What the API says with such a status where nothing more is known. */
export function errorOfStatus(status: number, message: string | undefined): OpenAiError {
  if (status === 429) return { message: message ?? 'Rate limit reached', ...RATE_LIMITED, param: null }
  return status < 500
    ? { message: message ?? 'The request was refused.', type: 'invalid_request_error', param: null, code: null }
    : { message: message ?? SERVER_ERROR, type: 'server_error', param: null, code: null }
}

/** What a 429 says that no limit is named of. */
const RATE_LIMITED = { type: 'requests', code: 'rate_limit_exceeded' } as const
const SERVER_ERROR = 'The server had an error while processing your request. Sorry about that!'
