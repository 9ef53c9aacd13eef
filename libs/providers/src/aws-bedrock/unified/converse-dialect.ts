import type { TokenUsage } from '@sluice/contracts'
import { totalUsage } from '../../claude/usage.ts'
import type { ChatChunks } from '../../unified/chat-chunks.ts'
import { errorEvent } from '../../unified/event-text.ts'
import { endsWithJson } from '../../unified/json-tool.ts'
import { NO_PLACE, unreadable } from '../../unified/stream-errors.ts'
import type { StreamDialect } from '../../unified/stream-translator.ts'
import type { TranslatedError } from '../../unified-api.ts'
import { isRecord } from '../../wire/is-record.ts'
import { readEventFrame } from '../event-frame.ts'
import { readConverseUsage } from '../usage.ts'
import { isForeign, UNTELLABLE_CALL } from './answer-content.ts'
import { BlockEvents } from './block-events.ts'
import { finishOf } from './finish.ts'
import { readException } from './provider-error.ts'

/**
 * The messages of a streamed answer as the events of a chat completion.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export class ConverseDialect implements StreamDialect {
  failed = false
  readonly #chunks: ChatChunks
  readonly #jsonTool: string | undefined
  readonly #blocks: BlockEvents
  #usage: TokenUsage | undefined
  #hasStopped = false
  #hasFinished = false

  /** @param jsonTool the tool whose call is the content */
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

  /** The usage comes after what tells that the answer is whole: an answer of which it is not told is whole without it. */
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
        if (isRecord(start) && isForeign(start)) return this.#fail(NO_PLACE)
        return this.#blocks.start(block, start) ?? this.#fail(UNTELLABLE_CALL)
      case 'contentBlockDelta':
        if (!isRecord(delta)) return ''
        return isForeign(delta) ? this.#fail(NO_PLACE) : this.#blocks.delta(block, delta)
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
