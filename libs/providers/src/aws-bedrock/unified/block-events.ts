import { BlockDeltas } from '../../unified/block-deltas.ts'
import type { ChatChunks } from '../../unified/chat-chunks.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isServed } from './answer-content.ts'
import { extraContent } from './reasoning-content.ts'
import { ReasoningPieces } from './reasoning-pieces.ts'
import { toToolCall } from './tool-use.ts'

/**
 * The content of a streamed answer as a chat completion's deltas. Only blocks of tool calls tell that they start; blocks of kinds
 * that are not known give no delta: they are of tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html
 */
export class BlockEvents {
  readonly #deltas: BlockDeltas
  /** By the index that the events name. */
  readonly #reasoning = new Map<unknown, ReasoningPieces>()

  /** @param jsonTool the tool whose call is the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#deltas = new BlockDeltas(chunks, jsonTool)
  }

  get hasToolCalls(): boolean {
    return this.#deltas.hasToolCalls
  }

  /** Undefined where a tool call begins that cannot be told. */
  start(block: unknown, start: unknown): string | undefined {
    if (!isRecord(start) || !isRecord(start.toolUse) || isServed(start.toolUse)) return ''
    const call = toToolCall(start.toolUse, '')
    return call === undefined ? undefined : this.#deltas.startCall(block, call)
  }

  delta(block: unknown, { text, toolUse, reasoningContent }: Readonly<Record<string, unknown>>): string {
    if (typeof text === 'string') return this.#deltas.text(text)
    if (isRecord(toolUse)) return typeof toolUse.input === 'string' ? this.#deltas.arguments(block, toolUse.input) : ''
    return isRecord(reasoningContent) ? this.#reason(block, reasoningContent) : ''
  }

  stop(block: unknown): string {
    return this.#deltas.stop(block)
  }

  /** What comes when all blocks have ended: the reasoning to send back. */
  end(stopReason: unknown): string {
    return (
      this.#deltas.end(stopReason) +
      this.#deltas.extra(extraContent([...this.#reasoning.values()].flatMap((pieces) => pieces.placed())))
    )
  }

  #reason(block: unknown, delta: Readonly<Record<string, unknown>>): string {
    const pieces = this.#reasoning.get(block) ?? new ReasoningPieces(this.#deltas.place)
    this.#reasoning.set(block, pieces)
    return this.#deltas.reasoning(pieces.add(delta))
  }
}
