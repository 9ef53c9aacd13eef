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
 * Learns from the events of a streamed message. `message_start` reports the input, and an output that has only begun; each
 * `message_delta` reports all the output so far, and may add to the input. A server that begins again, with a message of another
 * name or of none, has used both.
 * @see https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export class MessageStreamMeter implements UsageMeter {
  errorStatus: number | undefined
  /** Of the messages before the current one. */
  #earlier: ClaudeUsage | undefined
  #current: ClaudeUsage | undefined
  #messageId: unknown
  /** Output, or a report of it, has come since the current message began; undefined before the first. */
  #hasOutput: boolean | undefined
  readonly #output = new StreamedOutput()
  /** An output was reported that is not one that has only begun. */
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

  /** @param event an event's data, parsed */
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

  /** @param usage counts all of the response so far, the output too if it reports that */
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

/** `text_delta`, `input_json_delta` and `thinking_delta`; signatures and citations are no output. */
function deltaBytes(delta: unknown): number {
  if (!isRecord(delta)) return 0
  const text = delta.text ?? delta.partial_json ?? delta.thinking
  return typeof text === 'string' ? Buffer.byteLength(text) : 0
}
