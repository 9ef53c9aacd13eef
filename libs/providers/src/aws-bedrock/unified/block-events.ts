import type { ChatChunks } from '../../unified/chat-chunks.ts'
import { isRecord } from '../../wire/is-record.ts'
import { isServed } from './answer-content.ts'
import { extraContent } from './reasoning-content.ts'
import { ReasoningPieces } from './reasoning-pieces.ts'
import { toToolCall } from './tool-call.ts'

interface OpenCall {
  readonly index: number
  hasArguments: boolean
}

/**
 * The content of a streamed answer as a chat completion's deltas. Only blocks of tool calls tell that they start; blocks of kinds
 * that are not known give no delta: they are of tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html
 */
export class BlockEvents {
  readonly #chunks: ChatChunks
  /** By the index that the events name, as the reasoning. */
  readonly #openCalls = new Map<unknown, OpenCall>()
  readonly #reasoning = new Map<unknown, ReasoningPieces>()
  #contentLength = 0
  #toolCalls = 0

  constructor(chunks: ChatChunks) {
    this.#chunks = chunks
  }

  get hasToolCalls(): boolean {
    return this.#toolCalls > 0
  }

  /** Undefined where a tool call begins that cannot be told. */
  start(block: unknown, start: unknown): string | undefined {
    if (!isRecord(start) || !isRecord(start.toolUse) || isServed(start.toolUse)) return ''
    const call = toToolCall(start.toolUse, '')
    if (call === undefined) return undefined
    const index = this.#toolCalls++
    this.#openCalls.set(block, { index, hasArguments: false })
    return this.#chunks.delta({ tool_calls: [{ index, ...call }] })
  }

  delta(block: unknown, { text, toolUse, reasoningContent }: Readonly<Record<string, unknown>>): string {
    if (typeof text === 'string') return this.#text(text)
    if (isRecord(toolUse)) return this.#arguments(this.#openCalls.get(block), toolUse.input)
    return isRecord(reasoningContent) ? this.#reason(block, reasoningContent) : ''
  }

  /** A call without arguments has no piece of them, and OpenAI's clients parse what there is. */
  stop(block: unknown): string {
    const call = this.#openCalls.get(block)
    this.#openCalls.delete(block)
    return call?.hasArguments === false ? this.#arguments(call, '{}') : ''
  }

  /** What comes when all blocks have ended: the reasoning to send back, at once, as clients do not put such fields together. */
  end(): string {
    const placed = [...this.#reasoning.values()].flatMap((pieces) => pieces.placed())
    return placed.length === 0 ? '' : this.#chunks.delta(extraContent(placed))
  }

  #text(content: string): string {
    this.#contentLength += content.length
    return content === '' ? '' : this.#chunks.delta({ content })
  }

  #arguments(call: OpenCall | undefined, piece: unknown): string {
    if (call === undefined || typeof piece !== 'string' || piece === '') return ''
    call.hasArguments = true
    return this.#chunks.delta({ tool_calls: [{ index: call.index, function: { arguments: piece } }] })
  }

  #reason(block: unknown, delta: Readonly<Record<string, unknown>>): string {
    const pieces =
      this.#reasoning.get(block) ?? new ReasoningPieces({ content: this.#contentLength, tool_calls: this.#toolCalls })
    this.#reasoning.set(block, pieces)
    const text = pieces.add(delta)
    return text === '' ? '' : this.#chunks.delta({ reasoning_content: text })
  }
}
