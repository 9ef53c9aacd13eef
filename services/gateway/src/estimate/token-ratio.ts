/**
 * The bytes per token of prompts, learned from reported usage. Kept as two sums that decay with each request, so that prompts count by their
 * length.
 *
 * It errs toward more tokens: it follows prompts that cost more than expected faster than those that cost less, and the part of a prompt
 * beyond the known sizes is estimated with the initial ratio, if that gives more.
 */
export class TokenRatio {
  readonly #start: number
  #bytes = PRIOR_BYTES
  #tokens: number

  /** @param startBytesPerToken the initial ratio, from {@link MIN_BYTES_PER_TOKEN} to {@link MAX_BYTES_PER_TOKEN} */
  constructor(startBytesPerToken: number = START_BYTES_PER_TOKEN) {
    this.#start = startBytesPerToken
    this.#tokens = PRIOR_BYTES / startBytesPerToken
  }

  /** Restores a {@link state}; one with a ratio out of range is ignored. */
  static from({ start, bytes, tokens }: TokenRatioState): TokenRatio {
    const ratio = new TokenRatio(start)
    const bytesPerToken = bytes / tokens
    if (bytesPerToken >= MIN_BYTES_PER_TOKEN && bytesPerToken <= MAX_BYTES_PER_TOKEN) {
      ratio.#bytes = bytes
      ratio.#tokens = tokens
    }
    return ratio
  }

  get state(): TokenRatioState {
    return { start: this.#start, bytes: this.#bytes, tokens: this.#tokens }
  }

  /** The current ratio, from {@link MIN_BYTES_PER_TOKEN} to {@link MAX_BYTES_PER_TOKEN}. */
  get bytesPerToken(): number {
    return this.#bytes / this.#tokens
  }

  /** Returns the estimated tokens of a prompt, a whole number. */
  tokensOf(promptBytes: number): number {
    const ratio = this.bytesPerToken
    const known = Math.min(promptBytes, this.#bytes)
    return Math.ceil(known / ratio + (promptBytes - known) / Math.min(ratio, this.#start))
  }

  /** Learns from a request's usage; counts that are not positive are ignored. */
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

/** The state of a ratio, to be stored and restored. */
export interface TokenRatioState {
  readonly start: number
  readonly bytes: number
  readonly tokens: number
}

/** About the ratio of English prose with every provider's tokenizer. */
export const START_BYTES_PER_TOKEN = 4
/** Random base64 has 1.5; bodies that are mostly JSON escapes or syntax have 8 and more. */
export const MIN_BYTES_PER_TOKEN = 1
export const MAX_BYTES_PER_TOKEN = 12

/** Learning starts as if a prompt of this size had been seen; the first real prompt outweighs it. */
const PRIOR_BYTES = 256
/** Factor of the sums for each request: the last ten requests have two thirds of the weight. */
const KEPT = 0.9
/** Bounds the weight of a single prompt. */
const MAX_BYTES_LEARNED = 262_144
/** How far one request can deviate from the ratio, as factors: an outlier moves it by a few percent. */
const MAX_FALL = 3
const MAX_RISE = 1.5
