import type { TokenUsage } from '@sluice/contracts'
import { type ClaudeUsage, mergeClaudeUsage, reportedClaudeUsage } from '../claude/usage.ts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { tokensOfBytes } from '../wire/token-count.ts'
import type { UsageMeter } from '../wire/watching-reader.ts'
import { bedrockErrorStatus } from './errors.ts'
import { readEventFrame } from './event-frame.ts'
import { readConverseUsage } from './usage.ts'

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
