import type { WireHeaders } from '../../provider-adapter.ts'
import type { TranslatedError } from '../../unified-api.ts'
import { headerValue } from '../../wire/header-value.ts'
import { isRecord } from '../../wire/is-record.ts'
import { parseJson } from '../../wire/parse-json.ts'
import type { BedrockEvent } from '../event-frame.ts'

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
