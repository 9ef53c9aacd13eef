import type { ResponseContent, ResponseToolCall } from '../../unified/answer-message.ts'
import { NO_PLACE } from '../../unified/stream-errors.ts'
import type { TranslatedFailure } from '../../unified/whole-answer-translator.ts'
import type { TranslatedError } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { writtenText } from '../../wire/json-source.ts'
import type { PlacedReasoning } from './reasoning-content.ts'
import { toToolCall } from './tool-use.ts'

/** What an answer's blocks say. */
export interface ConverseContent extends ResponseContent {
  /** What of the reasoning is to be sent back. */
  readonly placed: readonly PlacedReasoning[]
}

/**
 * Reads the blocks of an answer. A failure where a chat completion has no place for one, or a tool call cannot be told. Blocks of kinds that are not known are
 * left out: they are of tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
export function readResponseContent(blocks: readonly unknown[]): ConverseContent | TranslatedFailure {
  let text = ''
  let reasoning = ''
  const calls: ResponseToolCall[] = []
  const placed: PlacedReasoning[] = []
  for (const block of blocks) {
    if (!isRecord(block)) continue
    if (isForeign(block)) return { failure: NO_PLACE }
    text += textOf(block)
    if (isRecord(block.toolUse) && !isServed(block.toolUse)) {
      const call = toToolCall(block.toolUse, writtenText(block.toolUse.input ?? {}) ?? '')
      if (call === undefined) return { failure: UNTELLABLE_CALL }
      calls.push(call)
    }
    if (!isRecord(block.reasoningContent)) continue
    const { reasoningText, redactedContent } = block.reasoningContent
    const thought = isRecord(reasoningText) && typeof reasoningText.text === 'string' ? reasoningText.text : ''
    const signature = isRecord(reasoningText) ? reasoningText.signature : undefined
    const at = { content: text.length, tool_calls: calls.length }
    reasoning += thought
    if (typeof signature === 'string') placed.push({ text: thought, signature, at })
    if (typeof redactedContent === 'string') placed.push({ redactedContent, at })
  }
  return { text, reasoning, calls, placed }
}

export const UNTELLABLE_CALL: TranslatedError = {
  message: 'AWS Bedrock returned a tool call without id or name.',
  code: null,
}

/** Whether a block, or a piece of one, is what a chat completion has no place for. */
export function isForeign(block: Readonly<Record<string, unknown>>): boolean {
  return ['image', 'audio', 'video', 'document'].some((kind) => block[kind] !== undefined)
}

/** Whether a tool is of AWS's own, which the model calls without the application. */
export function isServed({ type }: Readonly<Record<string, unknown>>): boolean {
  return type === 'server_tool_use'
}

/** Text that cites comes in pieces. */
function textOf({ text, citationsContent: cited }: Readonly<Record<string, unknown>>): string {
  if (typeof text === 'string') return text
  const pieces = isRecord(cited) && Array.isArray(cited.content) ? cited.content : []
  return pieces.map((piece: unknown) => (isRecord(piece) ? textOf(piece) : '')).join('')
}
