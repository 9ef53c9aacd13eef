import type { TokenUsage } from '@sluice/contracts'
import { totalUsage } from '../claude/usage.ts'
import { BlockDeltas } from '../unified/block-deltas.ts'
import { ChatChunks } from '../unified/chat-completion.ts'
import { endsWithJson } from '../unified/json-tool.ts'
import {
  errorEvent,
  incompleteCall,
  type StreamDialect,
  StreamTranslator,
  UNSUPPORTED_CONTENT,
  unreadable,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { readException } from './errors.ts'
import { AwsEventFrames, readEventFrame } from './event-stream.ts'
import { extraContent, ReasoningPieces } from './reasoning.ts'
import { finishOf, isServerTool, isUnsupported } from './response.ts'
import { toToolCall } from './tools.ts'
import { readConverseUsage } from './usage.ts'

/** Translates a streamed Converse response to the events of a chat completion. */
export function converseStream(requested: RequestedResponse): ResponseTranslator {
  const dialect = new ConverseDialect(new ChatChunks(requested), requested.jsonTool)
  return new StreamTranslator((visit) => new AwsEventFrames(visit), dialect)
}

/**
 * Translates the messages of a streamed response to the events of a chat completion.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
class ConverseDialect implements StreamDialect {
  failed = false
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  readonly #blocks: BlockEvents
  #usage: TokenUsage | undefined
  #hasStopped = false
  #hasFinished = false

  /** @param jsonTool the tool whose call becomes the content */
  constructor(chunks: ChatChunks, jsonTool?: string) {
    this.#chunks = chunks
    this.#jsonTool = jsonTool
    this.#blocks = new BlockEvents(chunks, jsonTool)
  }

  translate(frame: Buffer): string {
    const event = readEventFrame(frame)
    if (event === undefined) return this.#fail(UNREADABLE)
    if (event.messageType !== 'event') return this.#fail(readException(event))
    if (!isRecord(event.payload)) return this.#fail(UNREADABLE)
    return this.#translateEvent(event.type, event.payload)
  }

  /** The usage follows the stop reason; a response without usage is complete all the same. */
  finish(): string | undefined {
    if (!this.#hasStopped) return undefined
    if (this.#hasFinished) return ''
    this.#hasFinished = true
    return this.#chunks.end(this.#usage)
  }

  #translateEvent(type: string, payload: Readonly<Record<string, unknown>>): string {
    const { contentBlockIndex: block, start, delta } = payload
    if (type === 'metadata') this.#usage = totalUsage(readConverseUsage(payload.usage)) ?? this.#usage
    if (this.#hasStopped) return ''
    switch (type) {
      case 'contentBlockStart':
        if (isRecord(start) && isUnsupported(start)) return this.#fail(UNSUPPORTED_CONTENT)
        return this.#blocks.start(block, start) ?? this.#fail(incompleteCall('AWS Bedrock'))
      case 'contentBlockDelta':
        if (!isRecord(delta)) return ''
        return isUnsupported(delta) ? this.#fail(UNSUPPORTED_CONTENT) : this.#blocks.delta(block, delta)
      case 'contentBlockStop':
        return this.#blocks.stop(block)
      case 'messageStop':
        return this.#stop(payload.stopReason)
      default:
        return ''
    }
  }

  #stop(stopReason: unknown): string {
    const finish = finishOf(stopReason, this.#blocks.hasToolCalls)
    if ('failure' in finish) return this.#fail(finish.failure)
    this.#hasStopped = true
    const isJson = endsWithJson(this.#jsonTool, stopReason, this.#blocks.hasToolCalls)
    return this.#blocks.end(stopReason) + this.#chunks.finish(isJson ? 'stop' : finish.reason)
  }

  #fail(error: TranslatedError): string {
    this.failed = true
    return errorEvent(error)
  }
}

const UNREADABLE = unreadable('AWS Bedrock')

/**
 * Translates the content blocks of a streamed response to deltas. Only tool calls have a start event. Omits blocks of
 * unknown kinds: they belong to tools that only the native API offers.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html
 */
class BlockEvents {
  readonly #deltas: BlockDeltas
  /** By the index in the events. */
  readonly #reasoning = new Map<unknown, ReasoningPieces>()

  /** @param jsonTool the tool whose call becomes the content */
  constructor(chunks: ChatChunks, jsonTool: string | undefined) {
    this.#deltas = new BlockDeltas(chunks, jsonTool)
  }

  get hasToolCalls(): boolean {
    return this.#deltas.hasToolCalls
  }

  /** Returns undefined for a tool call without an id or a name. */
  start(block: unknown, start: unknown): string | undefined {
    if (!isRecord(start) || !isRecord(start.toolUse) || isServerTool(start.toolUse)) return ''
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

  /** Writes what follows all blocks, such as the reasoning for the application to send back. */
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
