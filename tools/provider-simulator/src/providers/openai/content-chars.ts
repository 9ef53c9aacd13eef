import { isRecord } from '../../core/is-record.ts'

/**
 * Characters of all text in a message, a prompt or a list of either: strings, and the `text`, `content`, `arguments`
 * and `output` of parts. Images and audio count nothing.
 */
export function contentChars(content: unknown): number {
  if (typeof content === 'string') return content.length
  if (Array.isArray(content)) return content.reduce<number>((sum, part) => sum + contentChars(part), 0)
  if (!isRecord(content)) return 0
  return TEXT_FIELDS.reduce((sum, field) => sum + contentChars(content[field]), 0)
}

const TEXT_FIELDS = ['text', 'content', 'arguments', 'output'] as const
