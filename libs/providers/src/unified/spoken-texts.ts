import type { AssistantMessage } from './chat-request.ts'

/** The texts of a message that say something, in order: blocks of white space only are refused by some providers. */
export function spokenTexts(content: string | readonly { readonly text: string }[]): string[] {
  const texts = typeof content === 'string' ? [content] : content.map(({ text }) => text)
  return texts.filter((text) => text.trim() !== '')
}

/** All that an assistant's message says, or why it refused. */
export function answerText({ content, refusal }: AssistantMessage): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return refusal ?? ''
  return content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('')
}
