import { claudeErrorStatusIn } from '../../claude/error-types.ts'
import { MessageStreamMeter } from '../../claude/message-stream-meter.ts'
import type { ChatChunks, FinishReason } from '../../unified/chat-chunks.ts'
import { errorEvent } from '../../unified/event-text.ts'
import { endsWithJson } from '../../unified/json-tool.ts'
import { unreadable } from '../../unified/stream-errors.ts'
import type { StreamDialect } from '../../unified/stream-translator.ts'
import type { TranslatedError } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { keepSource } from '../../wire/json-source.ts'
import { parseJson } from '../../wire/parse-json.ts'
import { BlockEvents } from './block-events.ts'
import { finishReason } from './finish-reason.ts'
import { readError, UNTELLABLE_CALL } from './provider-error.ts'
import { refusalText } from './refusal-text.ts'

/** The events of a streamed message as those of a chat completion. */
export class MessageDialect implements StreamDialect {
  failed = false
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  readonly #blocks: BlockEvents
  readonly #meter = new MessageStreamMeter()
  #stopReason: unknown
  #refusal: string | null = null
  #hasContent = false
  #hasEnded = false

  /** @param jsonTool the tool whose call is the content */
  constructor(chunks: ChatChunks, jsonTool?: string) {
    this.#chunks = chunks
    this.#jsonTool = jsonTool
    this.#blocks = new BlockEvents(chunks, jsonTool)
  }

  translate(data: Buffer, isError = false): string {
    const event = parseJson(data)
    if (this.#hasEnded) return ''
    if (isError || claudeErrorStatusIn(event) !== undefined) return this.#fail(errorOf(event))
    // What begins as an object may be a part of the answer, cut off or too long to be held; the rest is noise.
    if (!isRecord(event)) return data[0] === OPEN_BRACE ? this.#fail(UNREADABLE) : ''
    this.#meter.noteEvent(event)
    switch (event.type) {
      case 'message_start':
        // What was said of a message cannot be taken back, and another would go on in the middle of it.
        return this.#hasContent ? this.#fail(BEGUN_AGAIN) : ''
      case 'content_block_start':
        this.#hasContent = true
        keepSource(data, event, ['content_block', 'input'])
        return this.#blocks.start(event.index, event.content_block) ?? this.#fail(UNTELLABLE_CALL)
      case 'content_block_delta':
        return this.#blocks.delta(event.index, event.delta)
      case 'content_block_stop':
        return this.#blocks.stop(event.index)
      case 'message_delta':
        this.#noteEnding(event.delta)
        return ''
      case 'message_stop':
        return this.#end()
      default:
        return ''
    }
  }

  /** A message whose end has its reason is whole, also where what closes it is missing. */
  finish(): string | undefined {
    if (this.#hasEnded) return ''
    return typeof this.#stopReason === 'string' ? this.#end() : undefined
  }

  /** Several may come, of which the last tells the reason. */
  #noteEnding(delta: unknown): void {
    if (!isRecord(delta)) return
    this.#stopReason = delta.stop_reason ?? this.#stopReason
    this.#refusal = refusalText(delta) ?? this.#refusal
  }

  #end(): string {
    this.#hasEnded = true
    return (
      this.#blocks.end(this.#stopReason) +
      (this.#refusal === null ? '' : this.#chunks.delta({ refusal: this.#refusal })) +
      this.#chunks.finish(this.#finishReason()) +
      this.#chunks.end(this.#meter.usage)
    )
  }

  #finishReason(): FinishReason {
    const { hasToolCalls } = this.#blocks
    if (endsWithJson(this.#jsonTool, this.#stopReason, hasToolCalls)) return 'stop'
    return finishReason(this.#stopReason, hasToolCalls)
  }

  #fail(error: TranslatedError): string {
    this.failed = true
    return errorEvent(error)
  }
}

function errorOf(event: unknown): TranslatedError {
  return readError(isRecord(event) ? (event.error ?? event) : undefined, 'Anthropic ended the answer with an error.')
}

const OPEN_BRACE = 0x7b

const UNREADABLE = unreadable('Anthropic')

const BEGUN_AGAIN: TranslatedError = {
  message: 'The provider began another message before the first had ended.',
  code: 'upstream_unreachable',
}
