import { isRecord } from './json.ts'

/** Counts the tokens of a text by its length. One rule of thumb for all models keeps tests predictable. */
export function tokensOfChars(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

const CHARS_PER_TOKEN = 4

/** Counts the characters of all text in a message, a prompt or a list of either: strings, and these fields of parts. */
export function textChars(content: unknown, fields: readonly string[]): number {
  if (typeof content === 'string') return content.length
  if (Array.isArray(content)) return content.reduce<number>((sum, part) => sum + textChars(part, fields), 0)
  if (!isRecord(content)) return 0
  return fields.reduce((sum, field) => sum + textChars(content[field], fields), 0)
}
