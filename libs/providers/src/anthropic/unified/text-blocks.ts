import type { TextBlockParam } from '@anthropic-ai/sdk/resources/messages'

/** Whether a text says nothing: Anthropic refuses blocks of such text. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** One block for each text that says something. */
export function textBlocks(content: string | readonly { readonly text: string }[]): TextBlockParam[] {
  const texts = typeof content === 'string' ? [content] : content.map(({ text }) => text)
  return texts.filter((text) => !isBlank(text)).map((text) => ({ type: 'text', text }))
}
