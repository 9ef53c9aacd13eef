import type { RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { insertMember, ownMember, withMember } from '../wire/json-source.ts'

/**
 * Has a streamed answer tell its usage, where `inspection.addsUsage`: adds `stream_options.include_usage` to the body, and
 * leaves every other byte of it as it is.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export function includeUsage(inspection: RequestInspection, body: unknown, bytes: Buffer): Buffer {
  if (!inspection.addsUsage || !isRecord(body)) return bytes
  const { stream_options: options } = body
  if (options === undefined) return insertMember(bytes, 'stream_options', ONLY_USAGE)
  const member = isRecord(options) ? ownMember(bytes, 'stream_options') : undefined
  const given = member === undefined ? ONLY_USAGE : bytes.subarray(member.valueStart, member.end)
  return withMember(bytes, 'stream_options', withMember(given, 'include_usage', 'true'))
}

const ONLY_USAGE = Buffer.from('{"include_usage":true}')
