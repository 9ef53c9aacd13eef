import type { BodyAddition, OutgoingBody, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember } from '../wire/json-member.ts'

/**
 * Has a streamed answer tell its usage, where `inspection.addsUsage`: adds `stream_options.include_usage` to the body, and
 * leaves every other byte of it as it is.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export function includeUsage(inspection: RequestInspection, body: unknown, bytes: Buffer): OutgoingBody {
  if (!inspection.addsUsage || !isRecord(body)) return { bytes }
  if (body.stream_options === undefined) return insertFirst(bytes)
  const options = isRecord(body.stream_options) ? body.stream_options : {}
  const member = findLastMember(bytes, 'stream_options', 1)
  // A key that is spelt with escapes is left alone: its answer is then settled without usage.
  if (member === undefined) return { bytes }
  const value = Buffer.from(JSON.stringify({ ...options, include_usage: true }))
  return replaced(bytes, member.valueStart, member.end, value)
}

function insertFirst(bytes: Buffer): OutgoingBody {
  const inside = bytes.indexOf('{') + 1
  return replaced(bytes, inside, inside, MEMBER)
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
