import type { OutgoingHttpHeaders } from 'node:http'
import type { BodyResponse } from '../core/responses.ts'
import { type Failure, type RouteResult, retryAfter } from '../core/simulated-provider.ts'

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, and the errors of the model operations.
 */
interface BedrockError {
  readonly type: string
  readonly message: string
}

/** Writes an error as AWS does in REST-JSON: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html. */
export function errorResponse(
  status: number,
  { type, message }: BedrockError,
  headers: OutgoingHttpHeaders = {},
): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': type, ...headers },
    body: JSON.stringify({ message }),
  }
}

/** Refuses a request, at no cost. */
export function validationError(message: string): RouteResult {
  const response = errorResponse(400, { type: 'ValidationException', message })
  return { respond: () => response }
}

/** Returns what the API says with a status if nothing more is known. */
export function errorOfStatus(status: number, message?: string): BedrockError {
  const known = ERROR_BY_STATUS.get(status)
  const type = known?.type ?? (status < 500 ? 'ValidationException' : 'InternalServerException')
  return { type, message: message ?? known?.message ?? 'The request was refused.' }
}

const ERROR_BY_STATUS = new Map<number, BedrockError>([
  [403, { type: 'AccessDeniedException', message: "You don't have access to the model with the specified model ID." }],
  [
    404,
    { type: 'ResourceNotFoundException', message: 'Could not resolve the foundation model from the model identifier.' },
  ],
  [408, { type: 'ModelTimeoutException', message: 'Model invocation timed out.' }],
  [424, { type: 'ModelErrorException', message: 'The model returned an error.' }],
  [429, { type: 'ThrottlingException', message: 'Too many requests, please wait before trying again.' }],
  [
    500,
    {
      type: 'InternalServerException',
      message: 'The system encountered an unexpected error during processing. Try your request again.',
    },
  ],
  [503, { type: 'ServiceUnavailableException', message: 'Bedrock is unable to process your request.' }],
])

/** Quotes the API. AWS has no API keys: both failures of a key are a missing signature. */
export function failure(failure: Failure): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
    case 'unknown-api-key':
      return errorResponse(403, {
        type: 'MissingAuthenticationTokenException',
        message: 'Missing Authentication Token',
      })
    case 'unknown-route':
      return errorResponse(404, {
        type: 'UnknownOperationException',
        message: `No operation at ${failure.method} ${failure.path}`,
      })
    case 'body-too-large':
      return errorResponse(413, { type: 'ValidationException', message: 'Request body is too large.' })
    case 'rate-limited':
      return errorResponse(429, {
        type: 'ThrottlingException',
        message: `Too many ${failure.denial.metric === 'requests' ? 'requests' : 'tokens'}, please wait before trying again.`,
      })
    case 'forced-rate-limit':
      return errorResponse(429, errorOfStatus(429), retryAfter(failure.retryAfterMs))
    case 'forced-status':
      return errorResponse(failure.status, errorOfStatus(failure.status, failure.message))
  }
}
