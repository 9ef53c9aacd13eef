import type { BodyResponse, Reply } from '../simulated-provider.ts'

/** A `google.rpc` detail message: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto. */
export interface ErrorDetail {
  readonly '@type': string
  readonly [field: string]: unknown
}

/** An error in Google's format: https://google.aip.dev/193#http11json-representation. */
export function errorResponse(status: number, message: string, details: readonly ErrorDetail[] = []): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(errorObject(status, message, details), null, 2)}\n`,
  }
}

export function errorObject(code: number, message: string | undefined, details: readonly ErrorDetail[] = []) {
  const status = STATUS_BY_CODE.get(code) ?? (code < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
  return {
    error: {
      code,
      message: message ?? MESSAGE_BY_STATUS.get(status) ?? 'The request was refused.',
      status,
      ...(details.length > 0 && { details }),
    },
  }
}

/** The request is at fault, and costs nothing. */
export function invalidRequest(message: string, status = 400, details: readonly ErrorDetail[] = []): Reply {
  const answer = errorResponse(status, message, details)
  return { answer: () => answer }
}

export function errorDetail(type: string, fields: Readonly<Record<string, unknown>>): ErrorDetail {
  return { '@type': `type.googleapis.com/google.rpc.${type}`, ...fields }
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const STATUS_BY_CODE = new Map([
  [400, 'INVALID_ARGUMENT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'PERMISSION_DENIED'],
  [404, 'NOT_FOUND'],
  [409, 'ABORTED'],
  [429, 'RESOURCE_EXHAUSTED'],
  [499, 'CANCELLED'],
  [501, 'UNIMPLEMENTED'],
  [503, 'UNAVAILABLE'],
  [504, 'DEADLINE_EXCEEDED'],
])

const MESSAGE_BY_STATUS = new Map([
  ['RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'],
  [
    'INTERNAL',
    'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting',
  ],
  ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
])
