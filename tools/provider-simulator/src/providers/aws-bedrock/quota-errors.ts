import type { BodyResponse, Failure } from '../simulated-provider.ts'

/** An error as AWS writes it in its JSON protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html. */
export function quotaError(status: number, type: string, message: string): BodyResponse {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ __type: type, Message: message }),
  }
}

/** In place of Bedrock's, where Service Quotas is asked. */
export function quotaFailure(failure: Failure): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
    case 'unknown-api-key':
      return quotaError(400, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
    case 'unknown-route':
      return quotaError(404, 'UnknownOperationException', `No operation at ${failure.path}`)
    case 'body-too-large':
      return quotaError(413, 'IllegalArgumentException', 'Request body is too large.')
    case 'rate-limited':
    case 'forced-rate-limit':
      return quotaError(400, 'TooManyRequestsException', 'Rate exceeded')
    case 'forced-status':
      return quotaError(failure.status, typeOf(failure.status), failure.message ?? 'The request was refused.')
  }
}

function typeOf(status: number): string {
  if (status === 403) return 'AccessDeniedException'
  return status < 500 ? 'IllegalArgumentException' : 'ServiceException'
}
