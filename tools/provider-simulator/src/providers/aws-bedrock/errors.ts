import type { OutgoingHttpHeaders } from 'node:http'
import type { BodyResponse, Reply } from '../simulated-provider.ts'

/** https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, and those of the model operations. */
export interface BedrockError {
  readonly type: string
  readonly message: string
}

/** An error as AWS writes it in REST-JSON: https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html. */
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

/** The request is at fault, and costs nothing. */
export function validationError(message: string): Reply {
  const answer = errorResponse(400, { type: 'ValidationException', message })
  return { answer: () => answer }
}

/** What the API says with such a status where nothing more is known. */
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
