import { isRecord } from '../../core/is-record.ts'

/** A message as protocol buffers write it in JSON: https://protobuf.dev/programming-guides/json. */
export type ProtoMessage = Readonly<Record<string, unknown>>

/** The message with its own field names in lowerCamelCase: the API takes them in snake_case, too. None if it is no object. */
export function protoMessage(value: unknown): ProtoMessage {
  if (!isRecord(value)) return {}
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [camelCase(name), field]))
}

/** A repeated field; a single message stands for a list of one. */
export function protoMessages(value: unknown): readonly ProtoMessage[] {
  if (Array.isArray(value)) return value.map(protoMessage)
  return isRecord(value) ? [protoMessage(value)] : []
}

function camelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
