import type { TokenUsage } from '@sluice/contracts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { approximateTokens } from '../wire/token-count.ts'
import type { UsageMeter } from '../wire/watching-reader.ts'
import { converseDeltaBytes } from './converse-meter.ts'
import { bedrockErrorStatus } from './errors.ts'
import { readEventFrame } from './event-frame.ts'
import { readConverseUsage, readInvocationMetrics, readInvokeUsage, readMakersCounts } from './usage.ts'

/**
 * Learns from the messages of a streamed invocation. Each has, in base64, a chunk in the format of the model's maker; to the last
 * one Bedrock adds its metrics.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */
export class InvokeMeter implements UsageMeter {
  errorStatus: number | undefined
  /** Reads the events of Anthropic's models, and adds up what else is told. */
  readonly #message = new MessageStreamMeter()
  #otherBytes = 0

  get usage(): TokenUsage | undefined {
    return this.#message.usage
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#message.partialUsage
  }

  get providerAddedInput(): boolean {
    return this.#message.providerAddedInput
  }

  get outputTokensSeen(): number {
    return this.#message.outputTokensSeen + approximateTokens(this.#otherBytes)
  }

  note(frame: Buffer): void {
    const event = readEventFrame(frame)
    if (event === undefined) return
    if (event.messageType !== 'event') this.errorStatus = bedrockErrorStatus(event.type)
    else if (isRecord(event.payload) && typeof event.payload.bytes === 'string') {
      this.#noteChunk(parseJson(Buffer.from(event.payload.bytes, 'base64')))
    }
  }

  #noteChunk(chunk: unknown): void {
    if (!isRecord(chunk)) return
    this.#message.noteEvent(chunk)
    this.#otherBytes += otherOutputBytes(chunk)
    if (isRecord(chunk.metadata)) this.#message.noteFinalUsage(readConverseUsage(chunk.metadata.usage))
    // Anthropic's events have theirs read as such.
    if (chunk.type === undefined) this.#message.noteFinalUsage(readInvokeUsage(chunk.usage) ?? readMakersCounts(chunk))
    this.#message.noteFinalUsage(readInvocationMetrics(chunk['amazon-bedrock-invocationMetrics']))
  }
}

/** The text of a chunk as Amazon's Nova (which has Converse's), Meta's and Amazon's Titan have it. */
function otherOutputBytes({ contentBlockDelta, generation, outputText }: Readonly<Record<string, unknown>>): number {
  if (isRecord(contentBlockDelta)) return converseDeltaBytes(contentBlockDelta.delta)
  const text = generation ?? outputText
  return typeof text === 'string' ? Buffer.byteLength(text) : 0
}
