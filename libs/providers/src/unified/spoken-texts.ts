import type { AssistantMessage } from './chat-request.ts'

/** Whether a text says nothing: some providers refuse blocks of such text. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** The texts of a message that say something, in order. */
export function spokenTexts(content: string | readonly { readonly text: string }[]): string[] {
  const texts = typeof content === 'string' ? [content] : content.map(({ text }) => text)
  return texts.filter((text) => !isBlank(text))
}

/** All that an assistant's message says, or why it refused. */
export function responseText({ content, refusal }: AssistantMessage): string {
  const said = Array.isArray(content)
    ? content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('')
    : (content ?? '')
  return isBlank(said) ? (refusal ?? said) : said
}
