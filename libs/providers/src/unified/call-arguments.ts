import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import type { ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

export interface CallArguments {
  readonly input: Readonly<Record<string, unknown>>
}

/** A tool call's arguments, which must be a JSON object; empty text counts as one without members. @param path the call's */
export function callArguments({ function: { arguments: text } }: ToolCall, path: string): CallArguments | Refusal {
  const input = text === '' ? {} : parseJson(Buffer.from(text))
  if (isRecord(input)) return { input }
  return refuse(`${path}.function.arguments`, 'The arguments of a tool call must be a JSON object.')
}
