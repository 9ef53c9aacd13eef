import type { BodyAddition, OutgoingBody, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { ownMember, withMember } from '../wire/json-source.ts'

/**
 * Has a streamed answer tell its usage, where `inspection.addsUsage`: adds `stream_options.include_usage` to the body, and
 * leaves every other byte of it as it is.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export function includeUsage(inspection: RequestInspection, body: unknown, bytes: Buffer): OutgoingBody {
  if (!inspection.addsUsage || !isRecord(body)) return { bytes }
  const { stream_options: options } = body
  const member = options === undefined ? undefined : ownMember(bytes, 'stream_options')
  if (member === undefined) {
    const inside = bytes.indexOf('{') + 1
    return replaced(bytes, inside, inside, MEMBER)
  }
  const given = isRecord(options) ? bytes.subarray(member.valueStart, member.end) : EMPTY_OBJECT
  return replaced(bytes, member.valueStart, member.end, withMember(given, 'include_usage', 'true'))
}

function replaced(bytes: Buffer, start: number, end: number, value: Buffer): OutgoingBody {
  return {
    bytes: Buffer.concat([bytes.subarray(0, start), value, bytes.subarray(end)]),
    addition: { start, end: start + value.length, replaced: bytes.toString('latin1', start, end) },
  }
}

/** Returns the body as it was before {@link includeUsage}. */
export function withoutAddition(bytes: Buffer, { start, end, replaced }: BodyAddition): Buffer {
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(replaced, 'latin1'), bytes.subarray(end)])
}

/** The body has at least the member `stream`, so that a comma always follows. */
const MEMBER = Buffer.from('"stream_options":{"include_usage":true},')
const EMPTY_OBJECT = Buffer.from('{}')
