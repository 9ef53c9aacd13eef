import type { ChatChunks, ExtraContent, ResponseToolCall } from './chat-completion.ts'
import { isCutOff, NO_ARGUMENTS } from './json-tool.ts'
import type { Place } from './place.ts'

/** A tool call that has begun, and not ended. */
interface OpenCall {
  readonly index: number
  hasArguments: boolean
}

/**
 * Says the blocks of one streamed answer as deltas. A `block` is what the provider's events know it by, such as an index. Where a tool's
 * call is the content, text is held until it is known whether there is one.
 */
export class BlockDeltas {
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  /** The block that is the content. */
  #json: { readonly block: unknown; hasArguments: boolean } | undefined
  #heldText = ''
  readonly #openCalls = new Map<unknown, OpenCall>()
  #contentLength = 0
  #toolCalls = 0

  /** @param jsonTool the tool whose call is the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#chunks = chunks
    this.#jsonTool = jsonTool
  }

  get hasToolCalls(): boolean {
    return this.#toolCalls > 0
  }

  /** Where a block that begins now stands. */
  get place(): Place {
    return { content: this.#contentLength, tool_calls: this.#toolCalls }
  }

  text(content: string): string {
    if (this.#jsonTool === undefined) return this.#content(content)
    this.#heldText += content
    return ''
  }

  #content(content: string): string {
    this.#contentLength += content.length
    return content === '' ? '' : this.#chunks.delta({ content })
  }

  reasoning(text: string): string {
    return text === '' ? '' : this.#chunks.delta({ reasoning_content: text })
  }

  /** What of the answer is to be sent back: at once, when all blocks have ended, as clients do not put such fields together. */
  extra(extra: ExtraContent): string {
    return extra.extra_content === undefined ? '' : this.#chunks.delta(extra)
  }

  /** @param call without arguments where they come in pieces */
  startCall(block: unknown, call: ResponseToolCall): string {
    if (call.function.name === this.#jsonTool) return this.#startJson(block, call.function.arguments)
    const index = this.#toolCalls++
    this.#openCalls.set(block, { index, hasArguments: call.function.arguments !== '' })
    return this.#chunks.delta({ tool_calls: [{ index, ...call }] })
  }

  /** A piece of the arguments of the call that the block is; nothing where it is none. */
  arguments(block: unknown, piece: string): string {
    const json = this.#json
    if (json !== undefined && json.block === block) {
      json.hasArguments ||= piece !== ''
      return this.#content(piece)
    }
    const call = this.#openCalls.get(block)
    if (call === undefined || piece === '') return ''
    call.hasArguments = true
    return this.#chunks.delta({ tool_calls: [{ index: call.index, function: { arguments: piece } }] })
  }

  /** A call without arguments has no piece of them, and OpenAI's clients parse what there is. */
  stop(block: unknown): string {
    const missing = this.#openCalls.get(block)?.hasArguments === false ? this.arguments(block, '{}') : ''
    this.#openCalls.delete(block)
    return missing
  }

  /**
   * What comes when all blocks have ended: the text that was held, unless the content came as a call. Only then is it known whether a call
   * without arguments has none, or was cut off before them.
   */
  end(stopReason: unknown): string {
    if (this.#json === undefined) return this.#content(this.#heldText)
    return this.#json.hasArguments || isCutOff(stopReason) ? '' : this.#content(NO_ARGUMENTS)
  }

  /** Of several calls, the first is the content. */
  #startJson(block: unknown, text: string): string {
    if (this.#json !== undefined) return ''
    this.#json = { block, hasArguments: false }
    return this.arguments(block, text)
  }
}
