import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { hasAddedInput, partialUsage } from '../wire/reported-usage.ts'
import { approximateTokens } from '../wire/token-count.ts'
import type { UsageMeter } from '../wire/watching-reader.ts'
import { claudeErrorStatus } from './error-types.ts'
import {
  addClaudeUsage,
  type ClaudeUsage,
  mergeClaudeUsage,
  readClaudeUsage,
  readContextEdits,
  reportedClaudeUsage,
  totalUsage,
} from './usage.ts'

/**
 * Learns from the events of a streamed message. `message_start` tells the input, and an output that has only begun; each
 * `message_delta` tells all the output so far, and may add to the input. A server that begins again, with a message of another
 * name, has used both.
 * @see https://docs.claude.com/en/docs/build-with-claude/streaming
 */
export class MessageStreamMeter implements UsageMeter {
  errorStatus: number | undefined
  /** Of the messages before the current one. */
  #earlier: ClaudeUsage | undefined
  #told: ClaudeUsage | undefined
  #messageId: unknown
  #toldOutput = false
  #outputBytes = 0

  /** Where the stream ended before its output was told, the output that has passed by is in it as far as it can be counted. */
  get usage(): TokenUsage | undefined {
    const usage = totalUsage(this.#sum)
    if (usage === undefined || this.#toldOutput) return usage
    return { ...usage, outputTokens: Math.max(usage.outputTokens, this.outputTokensSeen) }
  }

  get partialUsage(): PartialUsage | undefined {
    return partialUsage(reportedClaudeUsage(this.#sum))
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(reportedClaudeUsage(this.#sum))
  }

  get outputTokensSeen(): number {
    return approximateTokens(this.#outputBytes)
  }

  note(data: Buffer): void {
    this.noteEvent(parseJson(data))
  }

  /** @param event an event's data, parsed */
  noteEvent(event: unknown): void {
    if (!isRecord(event)) return
    switch (event.type) {
      case 'message_start':
        if (isRecord(event.message)) this.#begin(event.message)
        break
      case 'content_block_delta':
        this.#outputBytes += deltaBytes(event.delta)
        break
      case 'message_delta':
        this.noteFinalUsage(readClaudeUsage(event.usage))
        this.#note(readContextEdits(event.context_management))
        break
      case 'error':
        this.errorStatus = claudeErrorStatus(event.error)
        break
    }
  }

  /** @param usage counts all of the answer so far, the output too if it tells that */
  noteFinalUsage(usage: ClaudeUsage | undefined): void {
    this.#note(usage)
    if (usage?.outputTokens !== undefined) this.#toldOutput = true
  }

  get #sum(): ClaudeUsage | undefined {
    return addClaudeUsage(this.#earlier, this.#told)
  }

  #begin({ id, usage }: Readonly<Record<string, unknown>>): void {
    if (this.#messageId !== undefined && id !== this.#messageId) {
      this.#earlier = this.#sum
      this.#told = undefined
    }
    this.#messageId = id
    this.#note(readClaudeUsage(usage))
  }

  #note(usage: ClaudeUsage | undefined): void {
    if (usage !== undefined) this.#told = mergeClaudeUsage(this.#told, usage)
  }
}

/** `text_delta`, `input_json_delta` and `thinking_delta`; signatures and citations are no output. */
function deltaBytes(delta: unknown): number {
  if (!isRecord(delta)) return 0
  const text = delta.text ?? delta.partial_json ?? delta.thinking
  return typeof text === 'string' ? Buffer.byteLength(text) : 0
}
