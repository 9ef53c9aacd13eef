import { BlockDeltas } from '../../unified/block-deltas.ts'
import type { ChatChunks } from '../../unified/chat-chunks.ts'
import { isRecord } from '../../wire/is-record.ts'
import { type LegibleThinking, type PlacedThinking, placeThinking, thinkingContent } from './thinking-content.ts'
import { toToolCallStart } from './tool-use.ts'

/**
 * The content of a streamed message as a chat completion's deltas. Blocks of kinds that are not known give none: they are of
 * tools that only the native API offers.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming#content-block-delta-types
 */
export class BlockEvents {
  readonly #deltas: BlockDeltas
  readonly #thinking: PlacedThinking[] = []
  /** Thinking that has begun, and not ended, by the index that the events name. */
  readonly #openThinking = new Map<unknown, LegibleThinking>()

  /** @param jsonTool the tool whose call is the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#deltas = new BlockDeltas(chunks, jsonTool)
  }

  get hasToolCalls(): boolean {
    return this.#deltas.hasToolCalls
  }

  /** Undefined where a tool call begins that cannot be told. */
  start(index: unknown, block: unknown): string | undefined {
    if (!isRecord(block)) return ''
    if (block.type === 'text') return this.#deltas.text(textOf(block.text))
    if (block.type === 'tool_use') {
      const call = toToolCallStart(block)
      return call === undefined ? undefined : this.#deltas.startCall(index, call)
    }
    const placed = placeThinking(block, this.#deltas.place)
    if (placed === undefined) return ''
    this.#thinking.push(placed)
    if (placed.type !== 'thinking') return ''
    this.#openThinking.set(index, placed)
    return this.#deltas.reasoning(placed.thinking)
  }

  delta(index: unknown, delta: unknown): string {
    if (!isRecord(delta)) return ''
    const thinking = this.#openThinking.get(index)
    switch (delta.type) {
      case 'text_delta':
        return this.#deltas.text(textOf(delta.text))
      case 'thinking_delta':
        if (thinking !== undefined) thinking.thinking += textOf(delta.thinking)
        return this.#deltas.reasoning(textOf(delta.thinking))
      case 'signature_delta':
        if (thinking !== undefined) thinking.signature = textOf(delta.signature)
        return ''
      case 'input_json_delta':
        return this.#deltas.arguments(index, textOf(delta.partial_json))
      default:
        return ''
    }
  }

  stop(index: unknown): string {
    this.#openThinking.delete(index)
    return this.#deltas.stop(index)
  }

  /** What comes when all blocks have ended: the thinking to send back. */
  end(stopReason: unknown): string {
    return this.#deltas.end(stopReason) + this.#deltas.extra(thinkingContent(this.#thinking))
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
