import type { ChatChunks } from '../../unified/chat-chunks.ts'
import { isRecord } from '../../wire/is-record.ts'
import { type LegibleThinking, type PlacedThinking, placeThinking, thinkingContent } from './thinking-content.ts'
import { hasInput, toToolCall } from './tool-use.ts'

/** A block that has begun, and not ended. */
type OpenBlock = { readonly toolCall: number; hasArguments: boolean } | { readonly thinking: LegibleThinking }

/**
 * The content of a streamed message as a chat completion's deltas. Blocks of kinds that are not known give none: they are of
 * tools that only the native API offers.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming#content-block-delta-types
 */
export class BlockEvents {
  readonly #chunks: ChatChunks
  /** By the index that the events name. */
  readonly #open = new Map<unknown, OpenBlock>()
  readonly #thinking: PlacedThinking[] = []
  #contentLength = 0
  #toolCalls = 0

  constructor(chunks: ChatChunks) {
    this.#chunks = chunks
  }

  get hasToolCalls(): boolean {
    return this.#toolCalls > 0
  }

  /** Undefined where a tool call begins that cannot be told. */
  start(index: unknown, block: unknown): string | undefined {
    if (!isRecord(block)) return ''
    if (block.type === 'tool_use') return this.#startToolCall(index, block)
    const placed = placeThinking(block, { content: this.#contentLength, tool_calls: this.#toolCalls })
    if (placed !== undefined) this.#thinking.push(placed)
    if (placed?.type === 'thinking') {
      this.#open.set(index, { thinking: placed })
      return this.#reasoning(placed.thinking)
    }
    return block.type === 'text' ? this.#text(block.text) : ''
  }

  delta(index: unknown, delta: unknown): string {
    if (!isRecord(delta)) return ''
    const open = this.#open.get(index)
    switch (delta.type) {
      case 'text_delta':
        return this.#text(delta.text)
      case 'thinking_delta':
        if (open !== undefined && 'thinking' in open) open.thinking.thinking += textOf(delta.thinking)
        return this.#reasoning(delta.thinking)
      case 'signature_delta':
        if (open !== undefined && 'thinking' in open) open.thinking.signature = textOf(delta.signature)
        return ''
      case 'input_json_delta':
        return open !== undefined && 'toolCall' in open ? this.#arguments(open, textOf(delta.partial_json)) : ''
      default:
        return ''
    }
  }

  /** A call without arguments has no piece of them, and OpenAI's clients parse what there is. */
  stop(index: unknown): string {
    const open = this.#open.get(index)
    this.#open.delete(index)
    return open !== undefined && 'toolCall' in open && !open.hasArguments ? this.#arguments(open, '{}') : ''
  }

  /** What comes when all blocks have ended: the thinking to send back, at once, as clients do not put such fields together. */
  end(): string {
    return this.#thinking.length === 0 ? '' : this.#chunks.delta(thinkingContent(this.#thinking))
  }

  #startToolCall(index: unknown, block: Readonly<Record<string, unknown>>): string | undefined {
    const call = toToolCall(block)
    if (call === undefined) return undefined
    const toolCall = this.#toolCalls++
    const hasArguments = hasInput(block)
    this.#open.set(index, { toolCall, hasArguments })
    const { name, arguments: text } = call.function
    return this.#chunks.delta({
      tool_calls: [{ ...call, index: toolCall, function: { name, arguments: hasArguments ? text : '' } }],
    })
  }

  #arguments(open: { readonly toolCall: number; hasArguments: boolean }, piece: string): string {
    if (piece === '') return ''
    open.hasArguments = true
    return this.#chunks.delta({ tool_calls: [{ index: open.toolCall, function: { arguments: piece } }] })
  }

  #text(text: unknown): string {
    const content = textOf(text)
    this.#contentLength += content.length
    return content === '' ? '' : this.#chunks.delta({ content })
  }

  #reasoning(text: unknown): string {
    const reasoning = textOf(text)
    return reasoning === '' ? '' : this.#chunks.delta({ reasoning_content: reasoning })
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
