/**
 * How many bytes of a prompt make a token, learned from requests whose usage is known. Kept as two sums that fade with each
 * request, so that large prompts, which are most of what a window holds, count for most.
 *
 * It leans to the safe side, which is more tokens: it follows prompts that cost more than thought faster than such that cost
 * less, and takes what goes beyond the size of the prompts that it knows at {@link START_BYTES_PER_TOKEN} at most.
 */
export class TokenRatio {
  #bytes = PRIOR_BYTES
  #tokens = PRIOR_BYTES / START_BYTES_PER_TOKEN

  /** From {@link MIN_BYTES_PER_TOKEN} to {@link MAX_BYTES_PER_TOKEN}. */
  get bytesPerToken(): number {
    return this.#bytes / this.#tokens
  }

  /** A whole number, at least that of the bytes at the highest ratio. */
  tokensOf(promptBytes: number): number {
    const ratio = this.bytesPerToken
    const known = Math.min(promptBytes, this.#bytes)
    return Math.ceil(known / ratio + (promptBytes - known) / Math.min(ratio, START_BYTES_PER_TOKEN))
  }

  /** What tells nothing, as counts that are not above zero do, is passed over. */
  learn(promptBytes: number, inputTokens: number): void {
    if (!(promptBytes > 0 && inputTokens > 0)) return
    const ratio = this.bytesPerToken
    const lowest = Math.max(MIN_BYTES_PER_TOKEN, ratio / MAX_FALL)
    const highest = Math.min(MAX_BYTES_PER_TOKEN, ratio * MAX_RISE)
    const seen = Math.min(highest, Math.max(lowest, promptBytes / inputTokens))
    const bytes = Math.min(promptBytes, MAX_BYTES_LEARNED)
    this.#bytes = this.#bytes * KEPT + bytes
    this.#tokens = this.#tokens * KEPT + bytes / seen
  }
}

/** What English prose has in the tokenizers of all providers, about. */
export const START_BYTES_PER_TOKEN = 4
/** Random base64 has 1.5; bodies of JSON escapes, or of hardly more than their frame, have 8 and more. */
export const MIN_BYTES_PER_TOKEN = 1
export const MAX_BYTES_PER_TOKEN = 12

/** As if a prompt of this size had been seen before: the first real one outweighs it. */
const PRIOR_BYTES = 256
/** Of the sums, with each request: the last ten requests are two thirds of what is known. */
const KEPT = 0.9
/** One prompt of a very different kind does not stand for all. */
const MAX_BYTES_LEARNED = 262_144
/** How far from the ratio so far one request can be taken to be: an outlier moves the ratio by some percent. */
const MAX_FALL = 3
const MAX_RISE = 1.5
