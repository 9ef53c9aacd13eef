import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'
import { inputUsage, partialUsage, type ReportedUsage, reportedOutput, wholeUsage } from './reported-usage.ts'

/**
 * Compares the output that a stream has reported with the output seen so far. A report followed by more output counts
 * only what there was by then, often 0 or 1, and not the response's cost: such a stream has reported only its input.
 */
export class StreamedOutput {
  /** Output seen so far, in estimated tokens. */
  #seenTokens = 0
  #seenAtReport = 0
  #reportedTokens = 0
  #addsToReport = false

  see(tokens: number): void {
    this.#seenTokens += tokens
  }

  /** Notes what the stream has reported so far. @param isFinal whether the report stands where no output can follow */
  report(reported: ReportedUsage | undefined, isFinal = true): void {
    const tokens = reportedOutput(reported)
    // Servers that do not count report zeros. A repeated count beside more output does not include that output.
    if (tokens === 0 || !(isFinal || tokens > this.#reportedTokens)) return
    this.#reportedTokens = Math.max(tokens, this.#reportedTokens)
    this.#seenAtReport = this.#seenTokens
  }

  /** Notes a report that counts the output beside it, which is not passed to {@link see}. */
  reportInPlace(reported: ReportedUsage | undefined): void {
    this.#addsToReport = true
    this.report(reported)
  }

  /** Call when another message begins in the same stream: the report so far is incomplete. */
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
   * Returns the output seen so far, or the reported output where that is more and incomplete; 0 where none was seen,
   * whatever the first report says.
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

/** The event that ends a choice may follow its usage, and counts as one token. */
const LAST_EVENT = 1
/** A choice without output has one event that begins and one that ends it. */
const FRAME_EVENTS = 2
