import type { OutgoingHttpHeaders } from 'node:http'
import type { Answer, Reply } from '../simulated-provider.ts'

export interface OpenAiError {
  readonly message: string
  readonly type: string
  readonly param: string | null
  readonly code: string | null
}

/** An error as OpenAI's API writes it, indentation included. */
export function errorAnswer(status: number, error: OpenAiError, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: `${JSON.stringify({ error }, null, 4)}\n`,
  }
}

/** The request is at fault, and costs nothing. */
export function invalidRequest(status: number, message: string, param?: string, code?: string): Reply {
  const answer = errorAnswer(status, {
    message,
    type: 'invalid_request_error',
    param: param ?? null,
    code: code ?? null,
  })
  return { answer: () => answer }
}
