import { textChars } from '../../core/text-chars.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import type { ProtoMessage } from './proto-json.ts'

/** Of the system instruction and all turns together. Images, files and functions count nothing. */
export function inputTokensOf({ systemInstruction, contents }: ProtoMessage): number {
  return tokensOfChars(contentChars(systemInstruction) + contentChars(contents))
}

/** Characters of all text in a content or a list of them. */
export function contentChars(content: unknown): number {
  return textChars(content, ['text', 'parts'])
}
