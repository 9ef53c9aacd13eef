import type { BodyResponse, Failure } from '../simulated-provider.ts'
import { uuid } from './headers.ts'
import { xmlResponse, xmlText } from './xml.ts'

/** An error of STS: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html. */
export function stsError(status: number, code: string, message: string, requestId: string): BodyResponse {
  const type = status < 500 ? 'Sender' : 'Receiver'
  return xmlResponse(
    status,
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>${type}</Type><Code>${code}</Code>` +
      `<Message>${xmlText(message)}</Message></Error><RequestId>${uuid(requestId)}</RequestId></ErrorResponse>`,
  )
}

/** In place of Bedrock's, where STS is asked. */
export function stsFailure(failure: Failure, requestId: string): BodyResponse {
  switch (failure.kind) {
    case 'missing-api-key':
    case 'unknown-api-key':
      return stsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token', requestId)
    case 'unknown-route':
      return stsError(404, 'InvalidAction', `No operation at ${failure.path}`, requestId)
    case 'body-too-large':
      return stsError(413, 'RequestEntityTooLarge', 'Request body is too large.', requestId)
    case 'rate-limited':
    case 'forced-rate-limit':
      return stsError(400, 'Throttling', 'Rate exceeded', requestId)
    case 'forced-status':
      return stsError(failure.status, codeOf(failure.status), failure.message ?? 'The request was refused.', requestId)
  }
}

function codeOf(status: number): string {
  if (status === 403) return 'AccessDenied'
  if (status === 503) return 'ServiceUnavailable'
  return status < 500 ? 'ValidationError' : 'InternalFailure'
}
