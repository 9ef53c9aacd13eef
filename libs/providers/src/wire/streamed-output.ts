import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'
import { inputUsage, partialUsage, type ReportedUsage, reportedOutput, wholeUsage } from './reported-usage.ts'

/**
 * Keeps apart what a stream has reported of its output and what has passed by. A report that more output follows says how much there was by
 * then, often 0 or 1, and not what the response costs: such a stream has reported its input alone.
 */
export class StreamedOutput {
  /** Output that has passed by, in tokens, as far as it can be counted. */
  #seenTokens = 0
  #seenAtReport = 0
  #reportedTokens = 0
  #addsToReport = false

  see(tokens: number): void {
    this.#seenTokens += tokens
  }

  /** Notes what the stream has reported so far. @param isFinal whether the report stands where output cannot follow */
  report(reported: ReportedUsage | undefined, isFinal = true): void {
    const tokens = reportedOutput(reported)
    // Servers that do not count report zeros. The same count once more, beside more output, is not of that output.
    if (tokens === 0 || !(isFinal || tokens > this.#reportedTokens)) return
    this.#reportedTokens = Math.max(tokens, this.#reportedTokens)
    this.#seenAtReport = this.#seenTokens
  }

  /** Notes a report that stands beside output which is not noted, as the report counts it. */
  reportInPlace(reported: ReportedUsage | undefined): void {
    this.#addsToReport = true
    this.report(reported)
  }

  /** Another message begins in the same stream: what was reported is not all. */
  reopen(): void {
    this.#seenAtReport = Number.NEGATIVE_INFINITY
  }

  usage(reported: ReportedUsage | undefined): TokenUsage | undefined {
    return this.#isReported ? wholeUsage(reported) : undefined
  }

  partialUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
    return this.#isReported ? partialUsage(reported) : inputUsage(reported)
  }

  /**
   * What has passed by, and where that is not all in the reports, what they say if that is more; 0 where nothing has passed by, whatever a
   * report begins with.
   */
  seenTokens(reported: ReportedUsage | undefined): number {
    const seen = Math.ceil(this.#seenTokens)
    if (seen === 0 || this.#isReported) return seen
    const rest = this.#addsToReport ? this.#seenTokens - this.#seenAtReport : 0
    return Math.max(seen, Math.ceil(reportedOutput(reported) + rest))
  }

  get #isReported(): boolean {
    if (this.#reportedTokens === 0) return this.#seenTokens <= FRAME_EVENTS
    return this.#seenTokens - this.#seenAtReport <= LAST_EVENT
  }
}

/** The event that ends a choice may come after its usage, and counts as one token like any. */
const LAST_EVENT = 1
/** A choice without output has an event that begins it, and one that ends it. */
const FRAME_EVENTS = 2
