import { pieces } from '../../core/pieces.ts'
import { signatureOf } from '../../core/signature.ts'
import type { Message } from './message.ts'

/** A block of a message's content, whole and as it is streamed. */
export interface ContentBlock {
  whole(): object
  readonly started: object
  deltas(): Iterable<object>
}

/** What it thought, if it did, and then a tool's use or text; no text where the thoughts used up the output maximum. */
export function contentBlocks(message: Message): readonly ContentBlock[] {
  const { answer, toolUse } = message
  const thinks = answer.thought.tokens > 0
  const blocks = thinks ? [thinkingBlock(message)] : []
  if (toolUse !== undefined) return [...blocks, toolUseBlock(toolUse)]
  return thinks && answer.text.tokens === 0 ? blocks : [...blocks, textBlock(message)]
}

/** https://platform.claude.com/docs/en/build-with-claude/extended-thinking */
function thinkingBlock({ answer, showsThought }: Message): ContentBlock {
  const thinking = showsThought ? answer.thought.whole() : ''
  const signature = signatureOf(thinking)
  return {
    whole: () => ({ type: 'thinking', thinking, signature }),
    started: { type: 'thinking', thinking: '', signature: '' },
    *deltas() {
      if (showsThought) for (const piece of answer.thought.pieces()) yield { type: 'thinking_delta', thinking: piece }
      yield { type: 'signature_delta', signature }
    },
  }
}

function toolUseBlock(toolUse: NonNullable<Message['toolUse']>): ContentBlock {
  return {
    whole: () => ({ type: 'tool_use', ...toolUse }),
    started: { type: 'tool_use', ...toolUse, input: {} },
    *deltas() {
      yield { type: 'input_json_delta', partial_json: '' }
      for (const piece of pieces(JSON.stringify(toolUse.input))) yield { type: 'input_json_delta', partial_json: piece }
    },
  }
}

function textBlock({ answer: { text } }: Message): ContentBlock {
  return {
    whole: () => ({ type: 'text', text: text.whole() }),
    started: { type: 'text', text: '' },
    *deltas() {
      for (const piece of text.pieces()) yield { type: 'text_delta', text: piece }
    },
  }
}
