import type { Refusal } from '../unified-api.ts'
import { compactJson } from '../wire/compact-json.ts'
import { isRecord } from '../wire/is-record.ts'
import { OpaqueJson } from '../wire/opaque-json.ts'
import { parseJson } from '../wire/parse-json.ts'
import type { ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

export interface CallArguments {
  readonly input: OpaqueJson
}

/**
 * Reads a tool call's arguments, which must be a JSON object, and go on as they are written; empty text counts as one without members.
 * @param path the call's
 */
export function callArguments({ function: { arguments: text } }: ToolCall, path: string): CallArguments | Refusal {
  if (text === '') return { input: NOTHING }
  if (isRecord(parseJson(text))) return { input: new OpaqueJson(compactJson(wellFormed(text))) }
  return refuse(`${path}.function.arguments`, 'The arguments of a tool call must be a JSON object.')
}

const NOTHING = new OpaqueJson('{}')

/** JSON text with halves of surrogate pairs, which UTF-8 cannot hold, as escapes. */
function wellFormed(text: string): string {
  if (text.isWellFormed()) return text
  return text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`)
}
