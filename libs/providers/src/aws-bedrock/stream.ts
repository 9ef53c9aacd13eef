import type { TokenUsage } from '@sluice/contracts'
import { totalUsage } from '../claude/usage.ts'
import { BlockDeltas } from '../unified/block-deltas.ts'
import { ChatChunks } from '../unified/chat-completion.ts'
import { endsWithJson } from '../unified/json-tool.ts'
import {
  errorEvent,
  type StreamDialect,
  StreamTranslator,
  UNSUPPORTED_CONTENT,
  unreadable,
  WholeResponseTranslator,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslation, TranslatedError } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { EVERY, type JsonPath } from '../wire/json-source.ts'
import { readErrorResponse, readException } from './errors.ts'
import { AwsEventFrames, readEventFrame } from './event-stream.ts'
import { extraContent, ReasoningPieces } from './reasoning.ts'
import { finishOf, isForeign, isServed, toChatCompletion, UNTELLABLE_CALL } from './response.ts'
import { toToolCall } from './tools.ts'
import { readConverseUsage } from './usage.ts'

const TOOL_INPUTS: JsonPath = ['output', 'message', 'content', EVERY, 'toolUse', 'input']

/** How an answer of Converse is said as the chat completion that was asked for, streamed or whole. */
export function converseResponse(asked: RequestedResponse): ResponseTranslation {
  return {
    translator: () =>
      asked.streamed
        ? new StreamTranslator(
            (visit) => new AwsEventFrames(visit),
            new ConverseDialect(new ChatChunks(asked), asked.jsonTool),
          )
        : new WholeResponseTranslator((answer) => toChatCompletion(asked, answer), TOOL_INPUTS),
    error: readErrorResponse,
  }
}

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
        if (isRecord(start) && isForeign(start)) return this.#fail(UNSUPPORTED_CONTENT)
        return this.#blocks.start(block, start) ?? this.#fail(UNTELLABLE_CALL)
      case 'contentBlockDelta':
        if (!isRecord(delta)) return ''
        return isForeign(delta) ? this.#fail(UNSUPPORTED_CONTENT) : this.#blocks.delta(block, delta)
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
