import { errorStatusIn } from '../openai/errors.ts'
import type { ErrorResponse, ErrorToFormat } from '../provider-adapter.ts'
import type { TranslatedError } from '../unified-api.ts'
import { headerValue, type WireHeaders } from '../wire/headers.ts'
import { isRecord, parseJson } from '../wire/json.ts'
import type { BedrockEvent } from './event-stream.ts'

/**
 * An error as Bedrock sends it, of which AWS's SDKs make the exception that the header names.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
 */
export function bedrockErrorResponse({ status, message, requestId }: ErrorToFormat): ErrorResponse {
  return {
    headers: {
      'content-type': 'application/json',
      'x-amzn-errortype': EXCEPTIONS[status] ?? (status >= 500 ? 'InternalServerException' : 'ValidationException'),
      'x-amzn-requestid': requestId,
    },
    body: JSON.stringify({ message }),
  }
}

/** The status that goes with an exception inside a stream, which is spelt with a small first letter there. */
export function bedrockErrorStatus(exceptionType: string): number {
  return STREAM_EXCEPTIONS.get(exceptionType) ?? 500
}

/**
 * Returns the status that goes with the error which a document that came with 200 is; undefined where it is none. Models with OpenAI's format
 * have OpenAI's, AWS has `__type`.
 */
export function bedrockErrorStatusIn(document: unknown): number | undefined {
  if (!isRecord(document) || typeof document.__type !== 'string') return errorStatusIn(document)
  const exception = document.__type.slice(document.__type.lastIndexOf('#') + 1)
  return bedrockErrorStatus(exception.charAt(0).toLowerCase() + exception.slice(1))
}

const EXCEPTIONS: Readonly<Record<number, string>> = {
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'ThrottlingException',
  502: 'ServiceUnavailableException',
  503: 'ServiceUnavailableException',
  504: 'ServiceUnavailableException',
}

const STREAM_EXCEPTIONS: ReadonlyMap<string, number> = new Map([
  ['internalServerException', 500],
  ['modelStreamErrorException', 424],
  ['modelTimeoutException', 408],
  ['serviceUnavailableException', 503],
  ['throttlingException', 429],
  ['validationException', 400],
])

/**
 * An error answer: its message is in the body, and which exception it is in a header, or in the body too.
 * @see https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization
 */
export function readErrorResponse(status: number, body: Buffer, headers: WireHeaders): TranslatedError {
  const answer = parseJson(body)
  const { __type: type, code } = isRecord(answer) ? answer : {}
  return {
    message: messageOf(answer) ?? `AWS Bedrock answered with status ${status}.`,
    code: shapeName(headerValue(headers, 'x-amzn-errortype') ?? type ?? code),
  }
}

/** An exception inside a stream, which is spelt with a small first letter there. */
export function readException({ type, payload }: BedrockEvent): TranslatedError {
  const code = shapeName(type)
  return {
    message: messageOf(payload) ?? 'AWS Bedrock ended the answer with an error.',
    code: code === null ? null : code.charAt(0).toUpperCase() + code.slice(1),
  }
}

function messageOf(answer: unknown): string | undefined {
  const { message, Message } = isRecord(answer) ? answer : {}
  const text = message ?? Message
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** Of `aws.bedrock#ThrottlingException:http://…`, what is between its namespace and its address. */
function shapeName(type: unknown): string | null {
  const [name = ''] = typeof type === 'string' ? type.split(':') : []
  return name.slice(name.indexOf('#') + 1).trim() || null
}
