import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord, parseJson, tokensOfBytes } from '../wire/json.ts'
import { hasAddedInput, inputUsage, type ReportedUsage } from '../wire/reported-usage.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import type { UsageMeter } from '../wire/usage-reader.ts'
import { claudeErrorStatus, claudeErrorStatusIn } from './errors.ts'
import {
  addClaudeUsage,
  type ClaudeUsage,
  mergeClaudeUsage,
  readClaudeUsage,
  readContextEdits,
  reportedClaudeUsage,
} from './usage.ts'

/**
 * Reads usage from the events of a streamed message. `message_start` reports the input and the first output tokens;
 * each `message_delta` reports the whole output so far, and may report more input. Where a server starts another
 * message in the same stream, with another id or with none, the usage of both counts.
 * @see https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export class MessageStreamMeter implements UsageMeter {
  errorStatus: number | undefined
  /** Usage of the messages before the current one. */
  #earlier: ClaudeUsage | undefined
  #current: ClaudeUsage | undefined
  #messageId: unknown
  /**
   * Whether output or a report of it followed the start of the current message; undefined before the first message.
   */
  #hasOutput: boolean | undefined
  readonly #output = new StreamedOutput()
  /** Output was reported later than in `message_start`. */
  #reportedOutput = false

  get usage(): TokenUsage | undefined {
    return this.#reportedOutput ? this.#output.usage(this.#reported) : undefined
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#reportedOutput ? this.#output.partialUsage(this.#reported) : inputUsage(this.#reported)
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(this.#reported)
  }

  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported)
  }

  note(data: Buffer, isError = false): void {
    const event = parseJson(data)
    this.noteEvent(event)
    if (isError) this.errorStatus ??= claudeErrorStatus(event)
  }

  /** @param event the parsed data of an event */
  noteEvent(event: unknown): void {
    if (!isRecord(event)) return
    switch (event.type) {
      case 'message_start':
        if (isRecord(event.message)) this.#begin(event.message)
        break
      case 'content_block_delta':
        this.noteOutput(deltaBytes(event.delta))
        break
      case 'message_delta':
        this.noteFinalUsage(readClaudeUsage(event.usage))
        this.#note(readContextEdits(event.context_management))
        break
      default:
        this.errorStatus = claudeErrorStatusIn(event) ?? this.errorStatus
    }
  }

  noteOutput(bytes: number): void {
    if (bytes === 0) return
    this.#hasOutput = true
    this.#output.see(tokensOfBytes(bytes))
  }

  /** @param usage counts the whole response so far, including its output where it reports output */
  noteFinalUsage(usage: ClaudeUsage | undefined): void {
    if (usage === undefined) return
    this.#note(usage)
    this.#hasOutput = true
    if (usage.outputTokens === undefined && usage.totalTokens === undefined) return
    this.#reportedOutput = true
    this.#output.report(this.#reported)
  }

  get #sum(): ClaudeUsage | undefined {
    return addClaudeUsage(this.#earlier, this.#current)
  }

  get #reported(): ReportedUsage | undefined {
    return reportedClaudeUsage(this.#sum)
  }

  #begin({ id, usage }: Readonly<Record<string, unknown>>): void {
    const isAnother = id === undefined ? this.#hasOutput === true : id !== this.#messageId
    if (this.#hasOutput !== undefined && isAnother) {
      this.#earlier = this.#sum
      this.#current = undefined
      this.#output.reopen()
    }
    this.#messageId = id
    this.#hasOutput = false
    this.#note(readClaudeUsage(usage))
  }

  #note(usage: ClaudeUsage | undefined): void {
    if (usage !== undefined) this.#current = mergeClaudeUsage(this.#current, usage)
  }
}

/** Counts `text_delta`, `input_json_delta` and `thinking_delta`; signatures and citations are not output. */
function deltaBytes(delta: unknown): number {
  if (!isRecord(delta)) return 0
  const text = delta.text ?? delta.partial_json ?? delta.thinking
  return typeof text === 'string' ? Buffer.byteLength(text) : 0
}
