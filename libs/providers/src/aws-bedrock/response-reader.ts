import type { TokenUsage } from '@sluice/contracts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { type ClaudeUsage, mergeClaudeUsage, reportedClaudeUsage, withContextEdits } from '../claude/usage.ts'
import { errorStatusIn } from '../openai/errors.ts'
import type { Operation, PartialUsage, RequestInspection, ResponseReader } from '../provider-adapter.ts'
import type { WireHeaders } from '../wire/headers.ts'
import { isRecord, parseJson, tokensOfBytes } from '../wire/json.ts'
import { findUsage, type JsonEnds, JsonTailReader } from '../wire/json-tail.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { FirstBytesReader } from '../wire/response-form.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { NO_USAGE_READER, type UsageMeter, WatchingReader } from '../wire/usage-reader.ts'
import { bedrockErrorStatus, bedrockErrorStatusIn } from './errors.ts'
import { AwsEventFrames, readEventFrame } from './event-stream.ts'
import {
  readConverseUsage,
  readInvocationMetrics,
  readInvokeUsage,
  readMakersCounts,
  readUsageHeaders,
} from './usage.ts'

/**
 * The reader for one answer of status 2xx, by what its first bytes show that it is. Of a plain invocation, headers and body both tell the
 * usage, and of each count the higher holds.
 */
export function bedrockResponseReader(
  { kind, model }: Operation,
  { maxOutputTokens }: RequestInspection,
  headers: WireHeaders = {},
): ResponseReader {
  const frames = (): ResponseReader => {
    const meter = kind === 'invoke-stream' ? new InvokeMeter() : new ConverseMeter()
    return new WatchingReader((visit) => new AwsEventFrames(visit), meter)
  }
  if (kind === 'count-tokens') return NO_USAGE_READER
  const isConverse = kind === 'converse' || kind === 'converse-stream'
  const told = isConverse ? undefined : readUsageHeaders(headers)
  const json = (): ResponseReader =>
    new JsonTailReader({
      findUsage: isConverse ? findConverseUsage : (ends) => findInvokeUsage(ends, told),
      withoutOutput: maxOutputTokens === 0,
      errorStatusIn: bedrockErrorStatusIn,
    })
  return new FirstBytesReader({ frames, json }, kind !== 'invoke' || !COUNTS_NO_TOKENS.test(model ?? ''))
}

/** Images, videos, vectors and rankings are counted in no tokens, or in the input's alone. */
const COUNTS_NO_TOKENS = /embed|rerank|image|canvas|reel|stability\.|sd3|stable-|luma\.|twelvelabs\.|sonic/i

function findConverseUsage(json: JsonEnds): ReportedUsage | undefined {
  return findUsage(json, 'usage', [1], (usage) => reportedClaudeUsage(readConverseUsage(usage)))
}

function findInvokeUsage(json: JsonEnds, told: ClaudeUsage | undefined): ReportedUsage | undefined {
  const found = withContextEdits(json, findUsage(json, 'usage', [1], readInvokeUsage) ?? makersCounts(json))
  return reportedClaudeUsage(
    told === undefined || found === undefined ? (told ?? found) : mergeClaudeUsage(told, found),
  )
}

function makersCounts({ tail, head }: JsonEnds): ClaudeUsage | undefined {
  const hasSome = MAKERS_COUNTS.some((name) => tail.includes(name))
  return head === undefined && hasSome ? readMakersCounts(parseJson(tail)) : undefined
}

const MAKERS_COUNTS = [
  '"prompt_token_count"',
  '"generation_token_count"',
  '"inputTextTokenCount"',
  '"tokenCount"',
] as const

/**
 * Learns from the messages of a streamed conversation, whose last, `metadata`, tells the usage.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export class ConverseMeter implements UsageMeter {
  errorStatus: number | undefined
  #told: ClaudeUsage | undefined
  readonly #output = new StreamedOutput()

  get usage(): TokenUsage | undefined {
    return this.#output.usage(this.#reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#output.partialUsage(this.#reported)
  }

  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported)
  }

  note(frame: Buffer): void {
    const event = readEventFrame(frame)
    if (event === undefined) return
    if (event.messageType !== 'event') this.errorStatus = bedrockErrorStatus(event.type)
    else if (!isRecord(event.payload)) return
    else if (event.type === 'contentBlockDelta') {
      this.#output.see(tokensOfBytes(converseDeltaBytes(event.payload.delta)))
    } else if (event.type === 'metadata') this.#note(readConverseUsage(event.payload.usage))
  }

  get #reported(): ReportedUsage | undefined {
    return reportedClaudeUsage(this.#told)
  }

  #note(usage: ClaudeUsage | undefined): void {
    if (usage === undefined) return
    this.#told = mergeClaudeUsage(this.#told, usage)
    this.#output.report(this.#reported)
  }
}

/** How much output a content block's delta brings: text, a tool's input, or reasoning. */
export function converseDeltaBytes(delta: unknown): number {
  if (!isRecord(delta)) return 0
  const { text, toolUse, reasoningContent } = delta
  const output = text ?? member(toolUse, 'input') ?? member(reasoningContent, 'text')
  return typeof output === 'string' ? Buffer.byteLength(output) : 0
}

function member(holder: unknown, name: string): unknown {
  return isRecord(holder) ? holder[name] : undefined
}

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
