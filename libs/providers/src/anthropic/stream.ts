import { claudeErrorStatusIn } from '../claude/errors.ts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { BlockDeltas } from '../unified/block-deltas.ts'
import { ChatChunks, type FinishReason } from '../unified/chat-completion.ts'
import { endsWithJson } from '../unified/json-tool.ts'
import {
  errorEvent,
  incompleteCall,
  type StreamDialect,
  StreamTranslator,
  unreadable,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson } from '../wire/json.ts'
import { JsonArraySplitter } from '../wire/json-array.ts'
import { keepSource } from '../wire/json-source.ts'
import { FirstBytesSplitter } from '../wire/response-form.ts'
import { eventDataSplitter } from '../wire/sse.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'
import { readError } from './errors.ts'
import { type PlacedThinking, placeThinking, thinkingContent, type VisibleThinking } from './reasoning.ts'
import { finishReason, refusalText } from './response.ts'
import { toToolCallStart } from './tools.ts'

/** Translates a streamed message to the events of a chat completion. */
export function messageStream(requested: RequestedResponse): ResponseTranslator {
  const dialect = new MessageDialect(new ChatChunks(requested), requested.jsonTool)
  return new StreamTranslator(eventOrDocumentSplitter, dialect)
}

/** Splits events, or the single document of a server that fails before it streams; the first bytes show which. */
function eventOrDocumentSplitter(visit: (message: Buffer, isError?: boolean) => void): MessageSplitter {
  return new FirstBytesSplitter((form) => (form === 'json' ? new JsonArraySplitter(visit) : eventDataSplitter(visit)))
}

/** Translates the events of a streamed message to those of a chat completion. */
class MessageDialect implements StreamDialect {
  failed = false
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  readonly #blocks: BlockEvents
  readonly #meter = new MessageStreamMeter()
  #stopReason: unknown
  #refusal: string | null = null
  #hasContent = false
  #hasEnded = false

  /** @param jsonTool the tool whose call becomes the content */
  constructor(chunks: ChatChunks, jsonTool?: string) {
    this.#chunks = chunks
    this.#jsonTool = jsonTool
    this.#blocks = new BlockEvents(chunks, jsonTool)
  }

  translate(data: Buffer, isError = false): string {
    const event = parseJson(data)
    if (this.#hasEnded) return ''
    if (isError || claudeErrorStatusIn(event) !== undefined) return this.#fail(errorOf(event))
    // Text that begins as an object may be part of the response, cut off or too long to hold; anything else is noise.
    if (!isRecord(event)) return data[0] === OPEN_BRACE ? this.#fail(UNREADABLE) : ''
    this.#meter.noteEvent(event)
    switch (event.type) {
      case 'message_start':
        // Content that was sent cannot be taken back, and another message would continue in the middle of it.
        return this.#hasContent ? this.#fail(SECOND_MESSAGE) : ''
      case 'content_block_start':
        this.#hasContent = true
        keepSource(data, event, ['content_block', 'input'])
        return this.#blocks.start(event.index, event.content_block) ?? this.#fail(incompleteCall('Anthropic'))
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

  /** A message with a stop reason is complete, even without its closing event. */
  finish(): string | undefined {
    if (this.#hasEnded) return ''
    return typeof this.#stopReason === 'string' ? this.#end() : undefined
  }

  /** The last of several has the reason. */
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
  return readError(isRecord(event) ? (event.error ?? event) : undefined, 'Anthropic ended the response with an error.')
}

const OPEN_BRACE = 0x7b

const UNREADABLE = unreadable('Anthropic')

const SECOND_MESSAGE: TranslatedError = {
  message: 'The provider started another message before the first one ended.',
  code: 'upstream_unreachable',
}

/**
 * Translates the content blocks of a streamed message to deltas. Omits blocks of unknown kinds: they belong to tools
 * that only the native API offers.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming#content-block-delta-types
 */
class BlockEvents {
  readonly #deltas: BlockDeltas
  readonly #thinking: PlacedThinking[] = []
  /** Thinking that has not ended yet, by the index in the events. */
  readonly #openThinking = new Map<unknown, VisibleThinking>()

  /** @param jsonTool the tool whose call becomes the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#deltas = new BlockDeltas(chunks, jsonTool)
  }

  get hasToolCalls(): boolean {
    return this.#deltas.hasToolCalls
  }

  /** Returns undefined for a tool call without an id or a name. */
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

  /** Writes what follows all blocks, such as the thinking for the application to send back. */
  end(stopReason: unknown): string {
    return this.#deltas.end(stopReason) + this.#deltas.extra(thinkingContent(this.#thinking))
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
