import { textChars } from '../../core/text-chars.ts'

/** Characters of all text in a message, a prompt or a list of either. Images and audio count nothing. */
export function contentChars(content: unknown): number {
  return textChars(content, TEXT_FIELDS)
}

const TEXT_FIELDS = ['text', 'content', 'arguments', 'output'] as const
