import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember } from '../wire/json-member.ts'
import { parseJson } from '../wire/parse-json.ts'
import { hasAddedInput, partialUsage } from '../wire/reported-usage.ts'
import { approximateTokens, tokenCount } from '../wire/token-count.ts'
import type { UsageMeter } from '../wire/watching-reader.ts'
import { addGoogleUsage, type GoogleUsage, reportedGoogleUsage, totalUsage } from './usage.ts'

/** Learns from the chunks of a streamed answer, each of which tells the usage so far. */
export class ChunkMeter implements UsageMeter {
  errorStatus: number | undefined
  #told: GoogleUsage | undefined
  #untoldBytes = 0

  get usage(): TokenUsage | undefined {
    return totalUsage(this.#told)
  }

  get partialUsage(): PartialUsage | undefined {
    return partialUsage(reportedGoogleUsage(this.#told))
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(reportedGoogleUsage(this.#told))
  }

  /** Of the chunks that told no usage. */
  get outputTokensSeen(): number {
    return approximateTokens(this.#untoldBytes)
  }

  note(chunk: Buffer): void {
    const usage = findLastMember(chunk, 'usageMetadata', 1)
    if (usage !== undefined) {
      this.#told = addGoogleUsage(this.#told, parseJson(chunk.subarray(usage.valueStart, usage.end)))
      if (!chunk.includes('"error"')) return
    }
    const parsed = parseJson(chunk)
    const message: unknown = Array.isArray(parsed) ? parsed[0] : parsed
    if (!isRecord(message)) return
    this.errorStatus = googleErrorStatus(message.error) ?? this.errorStatus
    if (usage !== undefined) return
    this.#untoldBytes += candidateBytes(message.candidates)
  }
}

/** Undefined where there is no error. */
function googleErrorStatus(error: unknown): number | undefined {
  if (!isRecord(error)) return undefined
  const status = tokenCount(error.code)
  return status !== undefined && status >= 400 && status <= 599 ? status : 500
}

function candidateBytes(candidates: unknown): number {
  let bytes = 0
  for (const candidate of arrayOf(candidates)) {
    if (!isRecord(candidate) || !isRecord(candidate.content)) continue
    for (const part of arrayOf(candidate.content.parts)) {
      if (isRecord(part) && typeof part.text === 'string') bytes += Buffer.byteLength(part.text)
    }
  }
  return bytes
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
