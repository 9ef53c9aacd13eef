import { isRecord } from '../core/json.ts'
import type { BodyResponse } from '../core/responses.ts'
import { textChars, tokensOfChars } from '../core/token-counts.ts'

/** A message of protocol buffers in JSON: https://protobuf.dev/programming-guides/json. */
export type ProtoMessage = Readonly<Record<string, unknown>>

/**
 * Returns the message with its own field names in lowerCamelCase: the API accepts snake_case, too. Empty if it is not
 * an object.
 */
export function protoMessage(value: unknown): ProtoMessage {
  if (!isRecord(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [camelCase(name), field]))
}

/** Reads a repeated field; a single message stands for a list of one. */
export function protoMessages(value: unknown): readonly ProtoMessage[] {
  if (Array.isArray(value)) return value.map(protoMessage)
  return isRecord(value) ? [protoMessage(value)] : []
}

function camelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Responds with indented JSON, as Google does. */
export function prettyResponse(content: unknown): BodyResponse {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(content, null, 2)}\n`,
  }
}

/** Counts the tokens of the system instruction and all turns. Images, files and functions count nothing. */
export function inputTokensOf({ systemInstruction, contents }: ProtoMessage): number {
  return tokensOfChars(contentChars(systemInstruction) + contentChars(contents))
}

/** Counts the characters of all text in a content or a list of contents. */
export function contentChars(content: unknown): number {
  return textChars(content, ['text', 'parts'])
}
