import type { TokenUsage } from '@sluice/contracts'
import { openAiErrorStatus } from '../openai/errors.ts'
import type { Operation, PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/usage.ts'
import { arrayOf, isRecord, parseJson, tokensOfBytes } from '../wire/json.ts'
import { JsonArraySplitter } from '../wire/json-array.ts'
import { findLastMember } from '../wire/json-members.ts'
import { findUsage, type JsonEnds, JsonTailReader } from '../wire/json-tail.ts'
import { hasAddedInput, type ReportedUsage, reportedOutput } from '../wire/reported-usage.ts'
import { FirstBytesReader } from '../wire/response-form.ts'
import { EventBlocks, eventMessage, isErrorEvent } from '../wire/sse.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { type MessageSplitter, type UsageMeter, WatchingReader } from '../wire/usage-reader.ts'
import { googleErrorStatusIn, unwrapped } from './errors.ts'
import { addGoogleUsage, type GoogleUsage, reportedGoogleUsage } from './usage.ts'

/**
 * Returns the usage reader for a 2xx response; its first bytes show its form. A stream consists of server-sent events
 * where the query has `alt=sse`, otherwise of a JSON array whose elements arrive one by one.
 */
export function googleResponseReader({ kind, unlisted }: Operation): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  if (kind === 'stream') return new FirstBytesReader({ events, json: array }, true)
  // An event stream may contain an error, whatever was requested.
  if (!REPORTS_USAGE.has(kind)) return new FirstBytesReader({ events }, false)
  // Some models that embed report no usage.
  return new FirstBytesReader({ events, json: document(kind === 'embed') }, kind === 'generate')
}

const REPORTS_USAGE: ReadonlySet<string> = new Set(['generate', 'embed', 'model-action'])

const events = (): ResponseReader => new WatchingReader(eventOrErrorSplitter, new ChunkMeter())
const array = (): ResponseReader => new WatchingReader((visit) => new JsonArraySplitter(visit), new ChunkMeter())
const document = (withoutOutput: boolean) => (): ResponseReader =>
  new JsonTailReader({ findUsage: findGoogleUsage, withoutOutput, errorStatusIn: googleErrorStatusIn })

function findGoogleUsage(json: JsonEnds): ReportedUsage | undefined {
  return findUsage(json, 'usageMetadata', [1], (metadata) => reportedGoogleUsage(addGoogleUsage(undefined, metadata)))
}

/**
 * Reads usage from the chunks of a streamed response. Each reports the usage so far; some report only the prompt's.
 */
class ChunkMeter implements UsageMeter {
  errorStatus: number | undefined
  #counts: GoogleUsage | undefined
  readonly #output = new StreamedOutput()

  get usage(): TokenUsage | undefined {
    return this.#output.usage(this.#reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#output.partialUsage(this.#reported)
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(this.#reported)
  }

  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported)
  }

  note(chunk: Buffer, isError = false): void {
    const usage = findLastMember(chunk, 'usageMetadata', 1)
    const metadata: unknown = usage && parseJson(chunk.subarray(usage.valueStart, usage.end))
    this.#counts = addGoogleUsage(this.#counts, metadata)
    const countsOutput = reportedOutput(reportedGoogleUsage(addGoogleUsage(undefined, metadata))) > 0
    if (countsOutput) this.#output.reportInPlace(this.#reported)
    // A chunk whose usage counts its output needs no further parsing.
    if (countsOutput && !isError && !chunk.includes('"error"')) return
    const message = unwrapped(parseJson(chunk))
    this.errorStatus = googleErrorStatusIn(message) ?? this.errorStatus
    if (isError) this.errorStatus ??= openAiErrorStatus(message)
    if (!countsOutput && isRecord(message)) this.#output.see(tokensOfBytes(candidateBytes(message.candidates)))
  }

  get #reported(): ReportedUsage | undefined {
    return reportedGoogleUsage(this.#counts)
  }
}

/** Returns the bytes of output in a chunk's candidates: text, thoughts, function calls and code. */
function candidateBytes(candidates: unknown): number {
  let bytes = 0
  for (const candidate of arrayOf(candidates)) {
    if (!isRecord(candidate) || !isRecord(candidate.content)) continue
    for (const part of arrayOf(candidate.content.parts)) {
      if (!isRecord(part)) continue
      const { text, functionCall, executableCode } = part
      if (typeof text === 'string') bytes += Buffer.byteLength(text)
      for (const output of [functionCall, executableCode]) {
        if (output !== undefined) bytes += Buffer.byteLength(JSON.stringify(output))
      }
    }
  }
  return bytes
}

/**
 * Visits the data of each server-sent event, and JSON outside of events: an error in mid-stream comes bare between the
 * events.
 * @see https://github.com/googleapis/js-genai/blob/main/src/_api_client.ts
 */
export function eventOrErrorSplitter(visit: (message: Buffer, isError?: boolean) => void): MessageSplitter {
  return new EventBlocks((block) => {
    const data = eventMessage(block)
    if (data === undefined) {
      if (block[0] === OPEN_BRACE || block[0] === OPEN_BRACKET) visit(block)
    } else if (data.length > 0) visit(data, isErrorEvent(block))
  })
}

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
