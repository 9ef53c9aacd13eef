import type { TokenUsage } from '@sluice/contracts'
import { isPresentError, openAiErrorStatus } from '../openai/errors.ts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember } from '../wire/json-member.ts'
import { parseJson } from '../wire/parse-json.ts'
import { hasAddedInput, type ReportedUsage, reportedOutput } from '../wire/reported-usage.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { tokensOfBytes } from '../wire/token-count.ts'
import type { UsageMeter } from '../wire/watching-reader.ts'
import { addGoogleUsage, type GoogleUsage, reportedGoogleUsage } from './usage.ts'

/** Learns from the chunks of a streamed response, each of which reports the usage so far, some of them that of the prompt alone. */
export class ChunkMeter implements UsageMeter {
  errorStatus: number | undefined
  #told: GoogleUsage | undefined
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
    this.#told = addGoogleUsage(this.#told, metadata)
    const countsOutput = reportedOutput(reportedGoogleUsage(addGoogleUsage(undefined, metadata))) > 0
    if (countsOutput) this.#output.reportInPlace(this.#reported)
    // A chunk whose usage counts its output is not looked into any further.
    if (countsOutput && !isError && !chunk.includes('"error"')) return
    const parsed = parseJson(chunk)
    const message: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    this.errorStatus = googleErrorStatusIn(message) ?? this.errorStatus
    if (isError) this.errorStatus ??= openAiErrorStatus(message)
    if (!countsOutput && isRecord(message)) this.#output.see(tokensOfBytes(candidateBytes(message.candidates)))
  }

  get #reported(): ReportedUsage | undefined {
    return reportedGoogleUsage(this.#told)
  }
}

/** Returns the status that goes with the error which a chunk, or a document that came with 200, is; undefined where it is none. */
export function googleErrorStatusIn(message: unknown): number | undefined {
  return isRecord(message) && isPresentError(message.error) ? openAiErrorStatus(message.error, message) : undefined
}

/** How much output the candidates of a chunk bring: text, thoughts, calls of functions, and code. */
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

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
