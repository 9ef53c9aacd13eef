import type { TokenUsage } from '@sluice/contracts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { errorStatusIn } from '../openai/stream-error.ts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
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
    return this.#message.outputTokensSeen
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
    this.#message.noteOutput(otherOutputBytes(chunk))
    if (isRecord(chunk.metadata)) this.#message.noteFinalUsage(readConverseUsage(chunk.metadata.usage))
    // Anthropic's events have theirs read as such.
    if (chunk.type === undefined) this.#message.noteFinalUsage(readInvokeUsage(chunk.usage) ?? readMakersCounts(chunk))
    this.#message.noteFinalUsage(readInvocationMetrics(chunk['amazon-bedrock-invocationMetrics']))
    this.errorStatus ??= this.#message.errorStatus ?? choicesErrorStatus(chunk)
  }
}

/** Of models with OpenAI's format. */
function choicesErrorStatus(chunk: Readonly<Record<string, unknown>>): number | undefined {
  return chunk.type === undefined ? errorStatusIn(chunk) : undefined
}

/**
 * The output in a chunk as Amazon's Nova (which has Converse's), Meta's, Amazon's Titan, Mistral's and models with OpenAI's format have
 * it.
 */
function otherOutputBytes(chunk: Readonly<Record<string, unknown>>): number {
  const { contentBlockDelta, generation, outputText, choices, outputs } = chunk
  if (isRecord(contentBlockDelta)) return converseDeltaBytes(contentBlockDelta.delta)
  const text = generation ?? outputText
  if (typeof text === 'string') return Buffer.byteLength(text)
  let bytes = 0
  for (const list of [choices, outputs]) {
    for (const choice of Array.isArray(list) ? (list as readonly unknown[]) : []) bytes += choiceBytes(choice)
  }
  return bytes
}

function choiceBytes(choice: unknown): number {
  if (!isRecord(choice)) return 0
  const delta = isRecord(choice.delta) ? choice.delta : isRecord(choice.message) ? choice.message : choice
  let bytes = 0
  for (const text of [delta.content, delta.reasoning, delta.reasoning_content, delta.text]) {
    if (typeof text === 'string') bytes += Buffer.byteLength(text)
  }
  return Array.isArray(delta.tool_calls) ? bytes + Buffer.byteLength(JSON.stringify(delta.tool_calls)) : bytes
}
