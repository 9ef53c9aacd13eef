import type { NativeCall, Refusal } from '../unified-api.ts'
import { writeJson } from '../wire/opaque-json.ts'
import { refuse } from './refusal.ts'

interface JsonCall extends Pick<NativeCall, 'path' | 'answer'> {
  readonly query?: string
  /** Besides the content type. */
  readonly headers?: Readonly<Record<string, string>>
  /** May hold `OpaqueJson`. */
  readonly body: object
}

/** A call that has a chat completion's translation as its body, in JSON. */
export function jsonCall({ path, query = '', headers = {}, body, answer }: JsonCall): NativeCall | Refusal {
  const text = writeJson(body)
  if (text === undefined) return refuse('messages', 'The request is nested too deeply.')
  return {
    status: 'translated',
    path,
    query,
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(text),
    answer,
  }
}
