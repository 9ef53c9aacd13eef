import type { ChatChunks, ExtraContent, ResponseToolCall } from './chat-completion.ts'
import { isCutOff, NO_ARGUMENTS } from './json-tool.ts'
import type { Place } from './place.ts'

/** A tool call that has not ended yet. */
interface OpenCall {
  readonly index: number
  hasArguments: boolean
}

/**
 * Writes the content blocks of one streamed response as deltas. A `block` is the key under which the provider's events
 * know it, such as an index. Where a tool call becomes the content, text is held back until the end shows whether there
 * was such a call.
 */
export class BlockDeltas {
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  /** The block whose tool call is the content. */
  #json: { readonly block: unknown; hasArguments: boolean } | undefined
  #heldText = ''
  readonly #openCalls = new Map<unknown, OpenCall>()
  #contentLength = 0
  #toolCalls = 0

  /** @param jsonTool the tool whose call becomes the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#chunks = chunks
    this.#jsonTool = jsonTool
  }

  get hasToolCalls(): boolean {
    return this.#toolCalls > 0
  }

  /** The place of a block that begins now. */
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

  /** Writes what the application has to return, in one delta after all blocks: clients do not merge such fields. */
  extra(extra: ExtraContent): string {
    return extra.extra_content === undefined ? '' : this.#chunks.delta(extra)
  }

  /** @param call has no arguments where those come in pieces */
  startCall(block: unknown, call: ResponseToolCall): string {
    if (call.function.name === this.#jsonTool) return this.#startJson(block, call.function.arguments)
    const index = this.#toolCalls++
    this.#openCalls.set(block, { index, hasArguments: call.function.arguments !== '' })
    return this.#chunks.delta({ tool_calls: [{ index, ...call }] })
  }

  /** Writes a piece of a call's arguments; nothing where the block is not a call. */
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

  /** Ends a block. A call that had no arguments gets `{}`, because OpenAI's clients parse them. */
  stop(block: unknown): string {
    const missing = this.#openCalls.get(block)?.hasArguments === false ? this.arguments(block, '{}') : ''
    this.#openCalls.delete(block)
    return missing
  }

  /**
   * Writes what is due after all blocks: the text that was held back, unless a call was the content. Only the stop
   * reason shows whether a call without arguments has none or was cut off before them.
   */
  end(stopReason: unknown): string {
    if (this.#json === undefined) return this.#content(this.#heldText)
    return this.#json.hasArguments || isCutOff(stopReason) ? '' : this.#content(NO_ARGUMENTS)
  }

  /** The first of several such calls is the content. */
  #startJson(block: unknown, text: string): string {
    if (this.#json !== undefined) return ''
    this.#json = { block, hasArguments: false }
    return this.arguments(block, text)
  }
}
