import type { TextBlockParam } from '@anthropic-ai/sdk/resources/messages'
import { spokenTexts } from '../../unified/spoken-texts.ts'

/** Whether a text says nothing: Anthropic refuses blocks of such text. */
export function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** One block for each text that says something. */
export function textBlocks(content: string | readonly { readonly text: string }[]): TextBlockParam[] {
  return spokenTexts(content).map((text) => ({ type: 'text', text }))
}
